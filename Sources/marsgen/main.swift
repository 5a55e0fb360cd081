import MarsGraph
import MarsOps

// Files that are written from the registry: `marsgen` lists their paths, `marsgen PATH` prints one.
var files = Java.files(marsRegistry)
files["docs/operators.md"] = Manual.text(marsRegistry)
files["include/mars/ops.h"] = CHeader.text(marsRegistry)
let asked = CommandLine.arguments.dropFirst()
if asked.isEmpty {
  for path in files.keys.sorted() { print(path) }
} else if asked.count == 1, let text = asked.first.flatMap({ files[$0] }) {
  print(text, terminator: "")
} else {
  print("usage: marsgen [PATH]")
}
