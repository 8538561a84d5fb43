// Streams of a recurrent model on onnxruntime: chunks go in, outputs come out, the states stay inside.
// This file is the same for every model; Streams.swift holds what is known of each.
import CryptoKit
import Foundation
import OnnxRuntimeBindings

/// An element type that onnxruntime's Swift package hands over.
public enum ElementType {
    case float32, int8, uint8, int32, int64

    public var size: Int {
        switch self {
        case .float32, .int32: return 4
        case .int64: return 8
        case .int8, .uint8: return 1
        }
    }

    var onnx: ORTTensorElementDataType {
        switch self {
        case .float32: return .float
        case .int8: return .int8
        case .uint8: return .uInt8
        case .int32: return .int32
        case .int64: return .int64
        }
    }
}

/// One input or output; -1 in the shape stands for time of any length, timeDim is -1 where there is none.
public struct TensorSpec {
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    public let timeDim: Int
    public let hop: Int
    public let upsampling: Int
    public let delay: Int

    /// How many values belong to one step.
    public var valuesAStep: Int {
        shape.enumerated().filter { $0.offset != timeDim }.map { $0.element }.reduce(1, *)
    }
}

/// One state: what `output` holds after a push is `input` of the next.
public struct StateSpec {
    public let input: String
    public let output: String
    public let type: ElementType
    public let shape: [Int]

    var bytes: Int { shape.reduce(1, *) * type.size }
}

/// What a stream must know of a model; a chunk of 0 means any multiple of the hop, a rate of 0 that it is unknown.
public struct ModelSpec {
    public let name: String
    public let file: String
    public let sha256: String
    public let chunk: Int
    public let hop: Int
    public let steps: Int
    public let sampleRate: Double
    public let labels: [String]
    public let inputs: [TensorSpec]
    public let outputs: [TensorSpec]
    public let states: [StateSpec]
}

public enum StreamError: Error, CustomStringConvertible {
    /// The model does not compute here what it computed where it was made.
    case refused(String)
    /// A call that does not fit the model.
    case wrongUse(String)

    public var description: String {
        switch self {
        case .refused(let text): return "refused: \(text)"
        case .wrongUse(let text): return text
        }
    }
}

/// A loaded model, for any number of streams.
public final class Model {
    public let spec: ModelSpec
    let folder: URL
    let initial: Data
    let session: ORTSession
    private let environment: ORTEnv

    private static var place: URL {
        (Bundle.module.resourceURL ?? Bundle.module.bundleURL).appendingPathComponent("models")
    }

    /// Load a model of this package, or from another folder that holds its files.
    public init(_ spec: ModelSpec, folder: URL? = nil, threads: Int32 = 1) throws {
        self.spec = spec
        self.folder = folder ?? Model.place.appendingPathComponent(spec.name)
        initial = try Data(contentsOf: self.folder.appendingPathComponent("initial.bin"))
        let file = self.folder.appendingPathComponent(spec.file)
        let digest = SHA256.hash(data: try Data(contentsOf: file))
        guard hex(Data(digest)) == spec.sha256 else {
            throw StreamError.refused("\(spec.file) is not the file that this app was made for (SHA-256 differs)")
        }
        environment = try ORTEnv(loggingLevel: .error)
        let options = try ORTSessionOptions()
        try options.setIntraOpNumThreads(threads)
        try options.addConfigEntry(withKey: "session.intra_op.allow_spinning", value: "0")
        session = try ORTSession(env: environment, modelPath: file.path, sessionOptions: options)
    }
}

/// One stream of a model. It belongs to one thread at a time; a push that fails leaves the states as they were.
open class ModelStream {
    public let model: Model
    private var states: [Data] = []

    public init(_ model: Model) throws {
        self.model = model
        try reset()
    }

    /// Run the next chunk: the bytes of each input in the model's order; those of each output come back.
    public func pushAll(_ inputs: [Data]) throws -> [Data] {
        let spec = model.spec
        guard inputs.count == spec.inputs.count else {
            throw StreamError.wrongUse("expected \(spec.inputs.count) inputs, found \(inputs.count)")
        }
        var feed: [String: ORTValue] = [:]
        var steps: Int?
        for (item, data) in zip(spec.inputs, inputs) {
            let found = try ModelStream.steps(of: item, bytes: data.count)
            if item.timeDim >= 0 {
                guard steps == nil || steps == found else { throw StreamError.wrongUse("the inputs differ in steps") }
                steps = found
            }
            feed[item.name] = try ModelStream.value(data, item.shape.map { $0 < 0 ? found : $0 }, item.type)
        }
        if let steps {
            guard spec.chunk != 0 ? steps == spec.chunk : steps % spec.hop == 0 else {
                let wanted = spec.chunk != 0 ? "\(spec.chunk)" : "a multiple of \(spec.hop)"
                throw StreamError.wrongUse("a push takes \(wanted) steps, found \(steps)")
            }
        }
        for (state, data) in zip(spec.states, states) {
            feed[state.input] = try ModelStream.value(data, state.shape, state.type)
        }
        let names = spec.outputs.map { $0.name } + spec.states.map { $0.output }
        let results = try model.session.run(withInputs: feed, outputNames: Set(names), runOptions: nil)
        // Copies, made while the values live: what onnxruntime gave is gone with them.
        let arrays: [Data] = try withExtendedLifetime(results) {
            try names.map { name in
                guard let value = results[name] else { throw StreamError.wrongUse("the model gave no \(name)") }
                let memory = try value.tensorData()
                return Data(bytes: memory.bytes, count: memory.length)
            }
        }
        states = Array(arrays[spec.outputs.count...])
        return Array(arrays[..<spec.outputs.count])
    }

    /// Go back to the states before the first chunk.
    public func reset() throws {
        try restore(model.initial)
    }

    /// The states, to restore later, here or in another stream of this model, in an app of any language.
    public func snapshot() -> Data {
        states.reduce(model.initial.prefix(digestSize)) { $0 + $1 }
    }

    /// Take the states of a snapshot; throws where it is of another model or damaged.
    public func restore(_ snapshot: Data) throws {
        let specs = model.spec.states
        let size = specs.map { $0.bytes }.reduce(digestSize, +)
        guard snapshot.count == size, hex(snapshot.prefix(digestSize)) == model.spec.sha256 else {
            throw StreamError.wrongUse("snapshot: of another model, or damaged")
        }
        var start = snapshot.startIndex + digestSize
        states = specs.map { state in
            defer { start += state.bytes }
            return Data(Array(snapshot[start..<start + state.bytes]))
        }
    }

    private static func steps(of item: TensorSpec, bytes: Int) throws -> Int {
        let known = item.shape.filter { $0 >= 0 }.reduce(item.type.size, *)
        let free = item.shape.contains { $0 < 0 }
        guard bytes > 0, known > 0, bytes % known == 0, free || bytes == known else {
            throw StreamError.wrongUse("input \(item.name): \(bytes / item.type.size) values do not fill \(item.shape)")
        }
        return free || item.timeDim < 0 ? bytes / known : item.shape[item.timeDim]
    }

    private static func value(_ data: Data, _ shape: [Int], _ type: ElementType) throws -> ORTValue {
        try ORTValue(
            tensorData: NSMutableData(data: data), elementType: type.onnx, shape: shape.map { NSNumber(value: $0) })
    }
}

/// Values as the bytes of a tensor.
public func encode<Element>(_ values: [Element]) -> Data {
    values.withUnsafeBufferPointer { Data(buffer: $0) }
}

/// The bytes of a tensor as values of its type.
public func decode<Element>(_ data: Data, as type: Element.Type) -> [Element] {
    Array(data).withUnsafeBytes { Array($0.bindMemory(to: type)) }
}

/// Numbers as the bytes of a tensor of that type.
public func encode(_ values: [Double], _ type: ElementType) -> Data {
    switch type {
    case .float32: return encode(values.map { Float($0) })
    case .int8: return encode(values.map { Int8($0) })
    case .uint8: return encode(values.map { UInt8($0) })
    case .int32: return encode(values.map { Int32($0) })
    case .int64: return encode(values.map { Int64($0) })
    }
}

/// The bytes of a tensor of that type as numbers.
public func decode(_ data: Data, _ type: ElementType) -> [Double] {
    switch type {
    case .float32: return decode(data, as: Float.self).map(Double.init)
    case .int8: return decode(data, as: Int8.self).map(Double.init)
    case .uint8: return decode(data, as: UInt8.self).map(Double.init)
    case .int32: return decode(data, as: Int32.self).map(Double.init)
    case .int64: return decode(data, as: Int64.self).map(Double.init)
    }
}

let digestSize = 32 // bytes of the model's SHA-256 in front of a snapshot

func hex(_ data: Data) -> String {
    data.map { String(format: "%02x", $0) }.joined()
}
