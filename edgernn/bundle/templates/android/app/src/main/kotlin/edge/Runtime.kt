package edge

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import kotlin.math.abs
import org.json.JSONArray
import org.json.JSONObject

// Streams of a recurrent model on onnxruntime: chunks go in, outputs come out, the states stay inside.
// This file is the same for every model; Streams.kt holds what is known of each.

/** One input or output; -1 in the shape stands for time of any length, timeDim is -1 where there is none. */
class TensorSpec(
    val name: String,
    val type: OnnxJavaType,
    val shape: LongArray,
    val timeDim: Int,
    val hop: Long,
    val upsampling: Long,
    val delay: Long,
) {
    /** How many values belong to one step. */
    val valuesAStep: Long get() = shape.filterIndexed { axis, _ -> axis != timeDim }.fold(1L, Long::times)
}

/** One state: what [output] holds after a push is [input] of the next. */
class StateSpec(val input: String, val output: String, val type: OnnxJavaType, val shape: LongArray) {
    val bytes: Int get() = (shape.fold(1L, Long::times) * type.size).toInt()
}

/** What a stream must know of a model; a chunk of 0 means any multiple of the hop, a rate of 0 that it is unknown. */
class ModelSpec(
    val name: String,
    val file: String,
    val sha256: String,
    val chunk: Long,
    val hop: Long,
    val steps: Long,
    val sampleRate: Double,
    val labels: List<String>,
    val inputs: List<TensorSpec>,
    val outputs: List<TensorSpec>,
    val states: List<StateSpec>,
)

/** The model does not compute here what it computed where it was made. */
class GoldenException(message: String) : Exception(message)

/**
 * A loaded model, for any number of streams; close it after them.
 *
 * [read] gives the bytes of a file in the model's folder.
 */
class Model(val spec: ModelSpec, val read: (String) -> ByteArray, threads: Int = 1) : AutoCloseable {
    internal val environment: OrtEnvironment = OrtEnvironment.getEnvironment()
    internal val session: OrtSession
    internal val initial: ByteArray = read("initial.bin")

    init {
        val data = read(spec.file)
        if (hex(MessageDigest.getInstance("SHA-256").digest(data)) != spec.sha256) {
            throw GoldenException("${spec.file} is not the file that this app was made for (SHA-256 differs)")
        }
        session = OrtSession.SessionOptions().use { options ->
            options.setIntraOpNumThreads(threads)
            options.setInterOpNumThreads(1)
            options.setCPUArenaAllocator(false) // steps are small
            options.addConfigEntry("session.intra_op.allow_spinning", "0")
            environment.createSession(data, options)
        }
    }

    override fun close() = session.close()
}

/** One stream of a model. It belongs to one thread at a time; a push that fails leaves the states as they were. */
open class Stream(val model: Model) {
    private var states: List<ByteBuffer> = emptyList()

    init {
        restoreBytes(model.initial)
    }

    /** Run the next chunk: the bytes of each input in the model's order; those of each output come back. */
    fun pushAll(inputs: List<ByteBuffer>): List<ByteBuffer> {
        val spec = model.spec
        require(inputs.size == spec.inputs.size) { "expected ${spec.inputs.size} inputs, found ${inputs.size}" }
        val steps = spec.inputs.zip(inputs).map { (item, bytes) -> stepsOf(item, bytes.remaining()) }
        val timed = steps.filterIndexed { index, _ -> spec.inputs[index].timeDim >= 0 }.distinct()
        require(timed.size <= 1) { "the inputs of a push have as many steps as each other, found $timed" }
        for (found in timed) {
            val wanted = if (spec.chunk != 0L) "${spec.chunk}" else "a multiple of ${spec.hop}"
            val fits = if (spec.chunk != 0L) found == spec.chunk else found % spec.hop == 0L
            require(fits) { "a push takes $wanted steps, found $found" }
        }
        val tensors = LinkedHashMap<String, OnnxTensor>()
        try {
            spec.inputs.forEachIndexed { index, item ->
                val shape = LongArray(item.shape.size) { if (item.shape[it] < 0) steps[index] else item.shape[it] }
                tensors[item.name] = OnnxTensor.createTensor(model.environment, inputs[index], shape, item.type)
            }
            spec.states.forEachIndexed { index, state ->
                tensors[state.input] =
                    OnnxTensor.createTensor(model.environment, states[index].duplicate().order(LITTLE), state.shape, state.type)
            }
            val names = spec.outputs.map { it.name } + spec.states.map { it.output }
            return model.session.run(tensors, names.toSet()).use { results ->
                val arrays = names.map { bytesOf(results.get(it).get() as OnnxTensor) }
                states = arrays.drop(spec.outputs.size)
                arrays.take(spec.outputs.size)
            }
        } finally {
            tensors.values.forEach { it.close() }
        }
    }

    /** Go back to the states before the first chunk. */
    fun reset() = restoreBytes(model.initial)

    /** The states, to restore later, here or in another stream of this model, in an app of any language. */
    fun snapshot(): ByteArray {
        val digest = model.spec.sha256.chunked(2).map { it.toInt(16).toByte() }.toByteArray()
        return states.fold(digest) { bytes, state ->
            bytes + ByteArray(state.remaining()).also { state.duplicate().get(it) }
        }
    }

    /** Take the states of a snapshot; throws IllegalArgumentException where it is of another model or damaged. */
    fun restore(snapshot: ByteArray) = restoreBytes(snapshot)

    private fun restoreBytes(snapshot: ByteArray) {
        val specs = model.spec.states
        require(
            snapshot.size == DIGEST + specs.sumOf { it.bytes } && hex(snapshot.copyOf(DIGEST)) == model.spec.sha256,
        ) { "snapshot: of another model, or damaged" }
        var start = DIGEST
        states = specs.map { state ->
            val buffer = ByteBuffer.allocateDirect(state.bytes).order(LITTLE)
            buffer.put(snapshot, start, state.bytes).flip()
            start += state.bytes
            buffer
        }
    }

    private fun stepsOf(item: TensorSpec, bytes: Int): Long {
        val known = item.shape.filter { it >= 0 }.fold(1L, Long::times) * item.type.size
        val steps = if (known == 0L) 0 else bytes / known
        val free = item.shape.any { it < 0 }
        require(bytes > 0 && steps * known == bytes.toLong() && (free || steps == 1L)) {
            "input ${item.name}: ${bytes / item.type.size} values do not fill ${item.shape.toList()}"
        }
        return if (free || item.timeDim < 0) steps else item.shape[item.timeDim]
    }

    private fun bytesOf(tensor: OnnxTensor): ByteBuffer {
        val source = tensor.byteBuffer
        val copy = ByteBuffer.allocateDirect(source.remaining()).order(LITTLE)
        copy.put(source).flip()
        return copy
    }
}

/**
 * Make the calls of golden.json and compare. Gives the largest difference, as a part of what is allowed; throws a
 * [GoldenException] where an output differs by more.
 */
fun checkGolden(model: Model): Double {
    val golden = JSONObject(String(model.read("golden.json")))
    if (golden.getInt("format") != 1 || golden.getString("model") != model.spec.sha256) {
        throw GoldenException("golden.json is of another model")
    }
    val streams = List(golden.getInt("streams")) { Stream(model) }
    val allowed = golden.getJSONArray("allowed")
    val calls = golden.getJSONArray("calls")
    var kept = model.initial
    var worst = 0.0
    var compared = 0
    for (number in 0 until calls.length()) {
        val call = calls.getJSONObject(number)
        val stream = streams[call.getInt("stream")]
        when (val operation = call.getString("op")) {
            "reset" -> stream.reset()
            "snapshot" -> kept = stream.snapshot()
            "restore" -> stream.restore(kept)
            "push" -> {
                val given = call.getJSONArray("inputs")
                val inputs = model.spec.inputs.mapIndexed { index, item -> encode(numbers(given.getJSONArray(index)), item.type) }
                stream.pushAll(inputs).forEachIndexed { index, output ->
                    val item = model.spec.outputs[index]
                    val expected = numbers(call.getJSONArray("outputs").getJSONArray(index))
                    val found = decode(output, item.type)
                    if (found.size != expected.size) {
                        throw GoldenException("call $number: ${found.size} values of ${item.name}, expected ${expected.size}")
                    }
                    val limit = allowed.getDouble(index)
                    for (at in found.indices) {
                        val difference = abs(found[at] - expected[at])
                        if (!(difference <= limit)) { // so that NaN fails
                            throw GoldenException("call $number: ${item.name} differs by $difference, allowed is $limit")
                        }
                        if (limit > 0) worst = maxOf(worst, difference / limit)
                    }
                    compared += found.size
                }
            }
            else -> throw GoldenException("call $number: unknown operation $operation")
        }
    }
    if (compared == 0) throw GoldenException("golden.json compares nothing")
    return worst
}

/** Numbers as the bytes of a tensor of that type. */
fun encode(values: DoubleArray, type: OnnxJavaType): ByteBuffer {
    val buffer = ByteBuffer.allocateDirect(values.size * type.size).order(LITTLE)
    for (value in values) {
        when (type) {
            OnnxJavaType.FLOAT -> buffer.putFloat(value.toFloat())
            OnnxJavaType.DOUBLE -> buffer.putDouble(value)
            OnnxJavaType.INT16 -> buffer.putShort(value.toInt().toShort())
            OnnxJavaType.INT32 -> buffer.putInt(value.toInt())
            OnnxJavaType.INT64 -> buffer.putLong(value.toLong())
            else -> buffer.put(value.toInt().toByte())
        }
    }
    buffer.flip()
    return buffer
}

/** The bytes of a tensor of that type as numbers. */
fun decode(bytes: ByteBuffer, type: OnnxJavaType): DoubleArray {
    val buffer = bytes.duplicate().order(LITTLE)
    return DoubleArray(buffer.remaining() / type.size) {
        when (type) {
            OnnxJavaType.FLOAT -> buffer.getFloat().toDouble()
            OnnxJavaType.DOUBLE -> buffer.getDouble()
            OnnxJavaType.INT16 -> buffer.getShort().toDouble()
            OnnxJavaType.INT32 -> buffer.getInt().toDouble()
            OnnxJavaType.INT64 -> buffer.getLong().toDouble()
            OnnxJavaType.UINT8 -> (buffer.get().toInt() and 0xFF).toDouble()
            else -> buffer.get().toDouble()
        }
    }
}

/** Samples as the bytes of a tensor. */
fun encode(values: FloatArray): ByteBuffer {
    val buffer = ByteBuffer.allocateDirect(4 * values.size).order(LITTLE)
    buffer.asFloatBuffer().put(values)
    return buffer
}

/** The bytes of a tensor as 32-bit numbers. */
fun decodeFloats(bytes: ByteBuffer): FloatArray {
    val values = FloatArray(bytes.remaining() / 4)
    bytes.duplicate().order(LITTLE).asFloatBuffer().get(values)
    return values
}

private fun numbers(array: JSONArray) = DoubleArray(array.length()) { array.getDouble(it) }

private fun hex(bytes: ByteArray) = bytes.joinToString("") { "%02x".format(it) }

private const val DIGEST = 32 // bytes of the model's SHA-256 in front of a snapshot
private val LITTLE = ByteOrder.LITTLE_ENDIAN
