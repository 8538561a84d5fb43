// Golden vectors: what the model computed where the app was made.
import Foundation

struct Golden: Decodable {
    struct Call: Decodable {
        let stream: Int
        let op: String
        let inputs: [[Double]]?
        let outputs: [[Double]]?
    }

    let format: Int
    let model: String
    let streams: Int
    let allowed: [Double]
    let calls: [Call]
}

/// Make the calls of golden.json and compare. Gives the largest difference, as a part of what is allowed; throws
/// `StreamError.refused` where an output differs by more.
@discardableResult
public func checkGolden(_ model: Model) throws -> Double {
    let data = try Data(contentsOf: model.folder.appendingPathComponent("golden.json"))
    let golden = try JSONDecoder().decode(Golden.self, from: data)
    guard golden.format == 1, golden.model == model.spec.sha256 else {
        throw StreamError.refused("golden.json is of another model")
    }
    let streams = try (0..<golden.streams).map { _ in try ModelStream(model) }
    var kept = model.initial
    var worst = 0.0
    var compared = 0
    for (number, call) in golden.calls.enumerated() {
        let stream = streams[call.stream]
        switch call.op {
        case "reset": try stream.reset()
        case "snapshot": kept = stream.snapshot()
        case "restore": try stream.restore(kept)
        case "push":
            let given = zip(call.inputs ?? [], model.spec.inputs).map { encode($0, $1.type) }
            let found = try stream.pushAll(given)
            for (index, item) in model.spec.outputs.enumerated() {
                let values = decode(found[index], item.type)
                let expected = call.outputs?[index] ?? []
                guard values.count == expected.count else {
                    throw StreamError.refused(
                        "call \(number): \(values.count) values of \(item.name), expected \(expected.count)")
                }
                for (value, wanted) in zip(values, expected) {
                    let difference = abs(value - wanted)
                    guard difference <= golden.allowed[index] else { // so that NaN fails
                        throw StreamError.refused(
                            "call \(number): \(item.name) differs by \(difference), allowed is \(golden.allowed[index])")
                    }
                    if golden.allowed[index] > 0 { worst = max(worst, difference / golden.allowed[index]) }
                }
                compared += values.count
            }
        default: throw StreamError.refused("call \(number): unknown operation \(call.op)")
        }
    }
    guard compared > 0 else { throw StreamError.refused("golden.json compares nothing") }
    return worst
}
