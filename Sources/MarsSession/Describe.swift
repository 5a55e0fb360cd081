import MarsBase
import MarsGraph
import MarsOps

/// Operators as JSON: what bindings introspect.
package enum Describe {
  package static func all() -> String {
    var w = JSONWriter()
    w.array { w in for op in marsRegistry.all { describe(op, &w) } }
    return w.text
  }

  package static func one(_ name: String) throws(MarsError) -> String {
    let op = try marsRegistry.require(name)
    var w = JSONWriter()
    describe(op, &w)
    return w.text
  }

  private static func describe(_ op: OpDef, _ w: inout JSONWriter) {
    w.object { w in
      field("name", op.name, &w)
      w.key("namespace")
      if let n = op.exposure.namespace { w.string(n) } else { w.null() }
      list("also_in", op.exposure.alsoIn, &w)
      list("aliases", op.exposure.aliases, &w)
      flag("method", op.exposure.isMethod, &w)
      list("operators", op.exposure.operators, &w)
      list("reduce_of", op.exposure.reduceOf, &w)
      list("accumulate_of", op.exposure.accumulateOf.map { [$0] } ?? [], &w)
      flag("separate", op.exposure.takesSeparateArguments, &w)
      flag("source", op.exposure.isSource(op.inputs), &w)
      flag("writes_first", op.exposure.writesFirst, &w)
      flag("device", op.exposure.takesDevice, &w)
      list("signature", op.exposure.signature.split(separator: " ").map { String($0) }, &w)
      field("numpy", op.doc.numpy, &w)
      field("summary", op.doc.summary, &w)
      field("details", op.doc.details, &w)
      field("dtypes", op.dtypesText, &w)
      field("example", op.doc.example, &w)
      w.key("inputs")
      w.array { w in
        for i in op.inputs {
          w.object { w in
            field("name", i.name, &w)
            flag("variadic", i.isVariadic, &w)
            flag("optional", i.isOptional, &w)
            flag("stored", i.isStored, &w)
            if let d = i.defaultValue {
              w.key("default")
              w.double(d)
            }
            field("doc", i.doc, &w)
          }
        }
      }
      w.key("attributes")
      w.array { w in
        for a in op.attributes {
          w.object { w in
            field("name", a.name, &w)
            field("kind", "\(a.kind)", &w)
            flag("required", a.defaultValue == nil, &w)
            w.key("default")
            value(a.defaultValue ?? .none, &w)
            w.key("since")
            w.int(a.since)
            flag("first", a.precedesInputs, &w)
            flag("separate", a.takesSeparateArguments, &w)
            field("role", a.role.rawValue, &w)
            field("doc", a.doc, &w)
          }
        }
      }
      list("outputs", op.outputs, &w)
      w.key("ufunc")
      if case .ufunc = op.typing { w.bool(true) } else { w.bool(false) }
      field("effects", "\(op.effects)", &w)
    }
  }

  private static func field(_ k: String, _ v: String, _ w: inout JSONWriter) {
    w.key(k)
    w.string(v)
  }

  private static func flag(_ k: String, _ v: Bool, _ w: inout JSONWriter) {
    w.key(k)
    w.bool(v)
  }

  private static func list(_ k: String, _ v: [String], _ w: inout JSONWriter) {
    w.key(k)
    w.array { w in for s in v { w.string(s) } }
  }

  private static func value(_ v: AttrValue, _ w: inout JSONWriter) {
    switch v {
    case .none: w.null()
    case .bool(let b): w.bool(b)
    case .int(let i): w.int(i)
    case .float(let d): w.double(d)
    case .string(let s): w.string(s)
    case .dtype(let d): w.string(d.name)
    case .scalar(let s):
      switch s.wide {
      case .bool(let b): w.bool(b)
      case .signed(let i): w.raw(String(i))
      case .unsigned(let u): w.raw(String(u))
      case .floating(let d): w.double(d)
      case .complex(let r, _): w.double(r)
      }
    case .ints(let xs): w.array { w in for x in xs { w.int(x) } }
    case .strings(let xs): w.array { w in for x in xs { w.string(x) } }
    case .bytes: w.null()
    }
  }
}
