import edge.GoldenException
import edge.Model
import edge.allModels
import edge.checkGolden
import edge.chunkOfRows
import edge.decode
import edge.Stream
import java.io.File
import kotlin.system.exitProcess

/** Checks the golden vectors of every model, then streams rows of standard input through the one that is named. */
fun main(words: Array<String>) {
    try {
        for (spec in allModels) {
            Model(spec, { File("${words[0]}/${spec.name}/$it").readBytes() }).use { model ->
                System.err.println("${spec.name}: golden vectors pass, ${checkGolden(model)}")
                val stream = Stream(model)
                val odd = spec.inputs.map { edge.encode(DoubleArray((it.valuesAStep * (spec.hop + 1)).toInt()), it.type) }
                if (spec.hop > 1) {
                    try {
                        stream.pushAll(odd)
                        exitProcess(3)
                    } catch (error: IllegalArgumentException) {
                        System.err.println(error.message)
                    }
                }
                for (broken in listOf(stream.snapshot().copyOf(40), ByteArray(stream.snapshot().size))) {
                    try {
                        stream.restore(broken)
                        exitProcess(4)
                    } catch (error: IllegalArgumentException) {
                        System.err.println(error.message)
                    }
                }
                if (spec.name == words[1]) {
                    val steps = (if (spec.chunk != 0L) spec.chunk else spec.hop).toInt()
                    val rows = generateSequence(::readlnOrNull).map { line -> line.split(' ').map { it.toDouble() }.toDoubleArray() }
                    for (chunk in rows.toList().chunked(steps)) {
                        val outputs = stream.pushAll(chunkOfRows(chunk, spec))
                        for ((item, output) in spec.outputs.zip(outputs)) {
                            println("${item.name}\t${decode(output, item.type).joinToString(" ")}")
                        }
                    }
                }
            }
        }
    } catch (error: GoldenException) {
        System.err.println("refused: ${error.message}")
        exitProcess(1)
    }
}
