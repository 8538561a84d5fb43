// @@title@@ on a Mac: lines of values from standard input, a time step a line; outputs as they come.
//
//   swift run App              the first model
//   swift run App NAME         another one
//   swift run App --check      only check every model against its golden vectors
import Foundation
import Streams

func fail(_ text: String, _ code: Int32) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(code)
}

func stream(_ model: Model) throws {
    let spec = model.spec
    let stream = try ModelStream(model)
    let steps = spec.chunk != 0 ? spec.chunk : spec.hop
    let width = spec.inputs.map { $0.valuesAStep }.reduce(0, +)
    var waiting: [[Double]] = []
    while let line = readLine() {
        let row = line.split(whereSeparator: { $0 == " " || $0 == "," }).compactMap { Double($0) }
        if row.isEmpty { continue }
        guard row.count == width else { fail("error: a step takes \(width) values, found \(row.count)", 2) }
        waiting.append(row)
        if waiting.count < steps { continue }
        let outputs = try stream.pushAll(chunk(of: waiting, for: spec))
        for (item, output) in zip(spec.outputs, outputs) {
            print(item.name, decode(output, item.type).map { String($0) }.joined(separator: " "), separator: "\t")
        }
        waiting = []
    }
}

/// Rows of values, one a step, as the bytes of each input: a row holds the values of each input in turn. Of an input
/// without time the last row counts.
func chunk(of rows: [[Double]], for spec: ModelSpec) -> [Data] {
    var start = 0
    return spec.inputs.map { item in
        let width = item.valuesAStep
        let part = rows.map { Array($0[start..<start + width]) }
        start += width
        if item.timeDim < 0 { return encode(part[part.count - 1], item.type) }
        let before = item.shape[..<item.timeDim].reduce(1, *)
        let after = width / before
        let values = (0..<before).flatMap { index in part.flatMap { $0[index * after..<(index + 1) * after] } }
        return encode(values, item.type)
    }
}

do {
    let words = CommandLine.arguments.dropFirst()
    for spec in allModels where words.contains("--check") || spec.name == (words.first ?? allModels[0].name) {
        let model = try Model(spec)
        let worst = try checkGolden(model)
        print("\(spec.name): golden vectors pass, at most \(100 * worst) % of the allowed difference")
        if !words.contains("--check") { try stream(model) }
    }
} catch StreamError.refused(let text) {
    fail("refused: \(text)", 1)
} catch {
    fail("error: \(error)", 2)
}
