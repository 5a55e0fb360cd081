// The same interface from C++11: handles in unique_ptr, failures as exceptions, a lambda as map_chunk's function.
#include <mars/ops.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

struct Release {
  void operator()(mars_session *p) const { mars_session_release(p); }
  void operator()(mars_graph *p) const { mars_graph_release(p); }
  void operator()(mars_tensor *p) const { mars_tensor_release(p); }
  void operator()(mars_run *p) const { mars_run_release(p); }
  void operator()(mars_string *p) const { mars_string_release(p); }
};
template <class T> using Handle = std::unique_ptr<T, Release>;
using Tensor = Handle<mars_tensor>;

void must(mars_status status) {
  if (status == MARS_OK) return;
  mars_error error = mars_error();
  error.struct_size = sizeof error;
  mars_error_last(&error);
  throw std::runtime_error(error.message);
}

// An out parameter becomes a result: make<mars_graph>(mars_graph_new).
template <class T, class Call, class... Args> Handle<T> make(Call call, Args... args) {
  T *out = nullptr;
  must(call(&out, args...));
  return Handle<T>(out);
}

Tensor tensor(std::vector<double> values) {
  const int64_t shape = static_cast<int64_t>(values.size());
  mars_array array = mars_array();
  array.struct_size = sizeof array;
  array.dtype = MARS_FLOAT64;
  array.ndim = 1;
  array.data = values.data();
  array.shape = &shape;
  return make<mars_tensor>(mars_tensor_from_array, &array, MARS_COPY, nullptr);
}

std::vector<double> values(mars_session *session, const Tensor &t) {
  mars_tensor_info info = mars_tensor_info();
  info.struct_size = sizeof info;
  must(mars_tensor_describe(&info, t.get()));
  int64_t count = 1;
  for (int32_t i = 0; i < info.ndim; i++) count *= info.shape[i];
  std::vector<double> out(static_cast<size_t>(count));
  mars_array into = mars_array();
  into.struct_size = sizeof into;
  into.dtype = info.dtype;
  into.ndim = info.ndim;
  into.shape = info.shape;
  into.data = out.data();
  must(mars_fetch_into(session, t.get(), &into));
  return out;
}

struct Scale {
  double by;
};

}  // namespace

int main() {
  auto session = make<mars_session>(mars_session_open, nullptr, nullptr, size_t(0));

  auto a = tensor({1, 2, 3});
  auto b = make<mars_tensor>(mars_op_add, nullptr, mars_of(a.get()), mars_weak_int(1));
  for (double x : values(session.get(), b)) std::printf("%g\n", x);

  // The function owns a Scale; `destroy` deletes it when nothing needs it any more.
  auto scaled = make<mars_tensor>(
      mars_tensor_map_chunk, a.get(), MARS_FLOAT64,
      [](void *user, const mars_array *in, mars_array *out, const int64_t *, char *, size_t) -> int32_t {
        const double by = static_cast<Scale *>(user)->by;
        for (int64_t i = 0; i < in->shape[0]; i++) {
          const auto from = static_cast<const char *>(in->data) + i * (in->strides ? in->strides[0] : 8);
          const auto to = static_cast<char *>(out->data) + i * (out->strides ? out->strides[0] : 8);
          *reinterpret_cast<double *>(to) = by * *reinterpret_cast<const double *>(from);
        }
        return 0;
      },
      new Scale{10}, [](void *user) { delete static_cast<Scale *>(user); }, nullptr);
  for (double x : values(session.get(), scaled)) std::printf("%g\n", x);

  mars_tensor *const roots[] = {b.get()};
  auto plan = make<mars_string>(mars_explain, session.get(), roots, size_t(1));
  std::printf("%s\n", mars_string_data(plan.get()));

  const char *const keys[] = {"wrokers"};
  const char *const texts[] = {"2"};
  try {
    make<mars_session>(mars_session_open, keys, texts, size_t(1));
    return 1;
  } catch (const std::runtime_error &error) { std::printf("%s\n", error.what()); }
  return 0;
}
