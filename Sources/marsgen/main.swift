import MarsGraph
import MarsOps

// Prints what is generated from the registry: marsgen manual | c | pyi.
let generators: [String: (OpRegistry) -> String] = [
  "manual": Manual.text, "c": CHeader.text, "pyi": PythonStubs.text,
]
if CommandLine.arguments.count == 2, let generate = generators[CommandLine.arguments[1]] {
  print(generate(marsRegistry), terminator: "")
} else {
  print("usage: marsgen " + generators.keys.sorted().joined(separator: " | "))
}
