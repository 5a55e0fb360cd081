import MarsGraph
import MarsOps

// Prints what is generated from the registry: marsgen manual | json | c | pyi.
let generators: [String: (OpRegistry) -> String] = [
  "manual": Manual.text, "json": { OpDescription.json($0) + "\n" }, "c": CHeader.text, "pyi": PythonStubs.text,
]
if CommandLine.arguments.count == 2, let generate = generators[CommandLine.arguments[1]] {
  print(generate(marsRegistry), terminator: "")
} else {
  print("usage: marsgen " + generators.keys.sorted().joined(separator: " | "))
}
