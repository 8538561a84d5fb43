package edge

import android.Manifest
import android.app.Activity
import android.content.pm.PackageManager
import android.media.AudioFormat
import android.media.AudioRecord
import android.media.MediaRecorder
import android.os.Bundle
import android.view.ViewGroup
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.TextView
import kotlin.concurrent.thread

/** @@title@@: values or a microphone in, outputs out, as they come. Nothing runs before the golden vectors pass. */
class MainActivity : Activity() {
    private val spec = allModels.first()
    private lateinit var status: TextView
    private lateinit var answer: TextView
    private lateinit var controls: LinearLayout

    @Volatile private var listening = false
    private var model: Model? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        status = TextView(this).apply { text = "Checking …" }
        answer = TextView(this).apply { textSize = 28f }
        controls = LinearLayout(this).apply { orientation = LinearLayout.VERTICAL }
        setContentView(
            LinearLayout(this).apply {
                orientation = LinearLayout.VERTICAL
                setPadding(48, 96, 48, 48)
                addView(status)
                addView(answer)
                addView(controls, ViewGroup.LayoutParams.MATCH_PARENT, ViewGroup.LayoutParams.WRAP_CONTENT)
            },
        )
        thread { open() }
    }

    override fun onStop() {
        listening = false
        super.onStop()
    }

    private fun open() {
        val said = try {
            val loaded = Model(spec, { file -> assets.open("models/${spec.name}/$file").use { it.readBytes() } })
            val worst = checkGolden(loaded)
            model = loaded
            "Golden vectors pass: at most %.1f %% of the allowed difference".format(100 * worst)
        } catch (error: Exception) {
            "Refused: ${error.message}"
        }
        runOnUiThread {
            status.text = said
            model?.let { if (takesSound()) showMicrophone(it) else showLines(it) }
        }
    }

    private fun takesSound(): Boolean {
        val item = spec.inputs.singleOrNull() ?: return false
        return item.timeDim >= 0 && item.valuesAStep == 1L && spec.sampleRate >= 4000
    }

    private fun showMicrophone(model: Model) {
        val button = Button(this).apply { text = "Listen" }
        button.setOnClickListener {
            if (listening) {
                listening = false
            } else if (checkSelfPermission(Manifest.permission.RECORD_AUDIO) != PackageManager.PERMISSION_GRANTED) {
                requestPermissions(arrayOf(Manifest.permission.RECORD_AUDIO), 0)
            } else {
                listening = true
                thread { listen(model, button) }
            }
        }
        controls.addView(button)
    }

    private fun listen(model: Model, button: Button) {
        runOnUiThread { button.text = "Stop" }
        val rate = spec.sampleRate.toInt()
        val smallest = AudioRecord.getMinBufferSize(rate, AudioFormat.CHANNEL_IN_MONO, AudioFormat.ENCODING_PCM_FLOAT)
        val chunk = FloatArray(spec.steps.toInt())
        var recorder: AudioRecord? = null
        try {
            recorder = AudioRecord(
                MediaRecorder.AudioSource.VOICE_RECOGNITION, rate, AudioFormat.CHANNEL_IN_MONO,
                AudioFormat.ENCODING_PCM_FLOAT, maxOf(smallest, 8 * chunk.size),
            )
            val stream = Stream(model)
            recorder.startRecording()
            while (listening) {
                if (recorder.read(chunk, 0, chunk.size, AudioRecord.READ_BLOCKING) != chunk.size) break
                show(stream.pushAll(listOf(encode(chunk))).first())
            }
        } catch (error: Exception) {
            runOnUiThread { status.text = "Error: ${error.message}" }
        } finally {
            recorder?.release()
            listening = false
            runOnUiThread { button.text = "Listen" }
        }
    }

    private fun showLines(model: Model) {
        val stream = Stream(model)
        val width = spec.inputs.sumOf { it.valuesAStep }
        val line = EditText(this).apply { hint = "$width values of the next step" }
        val steps = (if (spec.chunk != 0L) spec.chunk else spec.hop).toInt()
        val waiting = ArrayList<DoubleArray>()
        val button = Button(this).apply { text = "Push" }
        button.setOnClickListener {
            val row = line.text.split(' ', ',').filter { it.isNotBlank() }.mapNotNull { it.toDoubleOrNull() }
            if (row.size.toLong() != width) {
                status.text = "A step takes $width values, found ${row.size}"
            } else {
                waiting.add(row.toDoubleArray())
                if (waiting.size == steps) {
                    show(stream.pushAll(chunkOfRows(waiting, spec)).first())
                    waiting.clear()
                }
            }
        }
        controls.addView(line)
        controls.addView(button)
    }

    private fun show(output: java.nio.ByteBuffer) {
        val item = spec.outputs.first()
        val values = decode(output, item.type)
        val last = values.takeLast(item.valuesAStep.toInt())
        val text = if (spec.labels.size == last.size) {
            spec.labels[last.indices.maxByOrNull { last[it] } ?: 0]
        } else {
            last.joinToString(" ") { "%.4g".format(it) }
        }
        runOnUiThread { answer.text = text }
    }
}
