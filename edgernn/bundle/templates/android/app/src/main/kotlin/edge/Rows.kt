package edge

import java.nio.ByteBuffer

/**
 * Rows of values, one a step, as the bytes of each input: a row holds the values of each input in turn. Of an input
 * without time the last row counts.
 */
fun chunkOfRows(rows: List<DoubleArray>, spec: ModelSpec): List<ByteBuffer> {
    var start = 0
    return spec.inputs.map { item ->
        val width = item.valuesAStep.toInt()
        val part = rows.map { it.copyOfRange(start, start + width) }
        start += width
        if (item.timeDim < 0) {
            encode(part.last(), item.type)
        } else {
            val before = item.shape.take(item.timeDim).fold(1L, Long::times).toInt()
            val after = width / before
            val values = (0 until before).flatMap { index ->
                part.flatMap { row -> row.slice(index * after until (index + 1) * after) }
            }
            encode(values.toDoubleArray(), item.type)
        }
    }
}
