"""`edgernn run`: run a file on arrays, tables, or lines as they come."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Json, ModelFile, Threads
from edgernn.cli.outcome import Outcome


def command(
    file: ModelFile,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INPUT...]",
            help="A .npy, .csv or sound file for each input, a folder of them, or - for lines of standard "
            "input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .npy or .npz file for the outputs, a .wav where they are sound; of a folder: one.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A column of the .csv file to take; may be repeated.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="States to go on from, of an earlier --save-state.")
    ] = None,
    save_state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to keep a streaming file's states at the end.")
    ] = None,
    mic: Annotated[
        bool, typer.Option("--mic", help="Listen to the microphone, until Ctrl-C, in the place of INPUT.")
    ] = False,
    nan: Annotated[str, typer.Option(help="Whether NaN and infinity may go in: refuse or allow.")] = "refuse",
    provider: Annotated[
        str,
        typer.Option(
            help="Where it runs: cpu, cuda, … Several joined by commas, or auto, ask for fallback.",
            autocompletion=completion.providers,
        ),
    ] = "cpu",
    threads: Threads = 1,
    engine: Annotated[
        str,
        typer.Option(
            help="Who works through a folder: local is this process, ray is Ray Data.",
            autocompletion=completion.engines,
        ),
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(help="Processes of the engine ray.", show_default="one a processor")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Text that a language model writes on from, instead of INPUT.")
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="Characters or bytes to write.", show_default="500")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Below 1 likely text becomes likelier; 0 writes the likeliest.", show_default="1"),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help="How many of the likeliest symbols may come.", show_default="all")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the text.", show_default="another one each time")
    ] = None,
    beam: Annotated[
        int | None,
        typer.Option(help="Texts that a recogniser keeps.", show_default="1; beside a language model 16"),
    ] = None,
    language_model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A streaming language model that a recogniser asks."),
    ] = None,
    language_weight: Annotated[
        float | None, typer.Option(help="How much it counts beside the sound.", show_default="0.5")
    ] = None,
    bonus: Annotated[
        float | None, typer.Option(help="What each symbol gains beside it.", show_default="0")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of what a prompt makes, e.g. pitch=1.2."),
    ] = None,
    json: Json = False,
) -> Outcome:
    """Run a file on arrays, tables or sounds, or answer lines from standard input one by one.

    In a table each row is a time step, each column a feature. A sound is resampled to the model's rate; what
    a keyword spotter or a recogniser hears is printed as words. With - a streaming file answers every line
    at once, so that it can stand in a pipe behind a sensor; a file that labels texts or finds names in them
    takes a text a line, one that finds answers in a text a JSON object with context and question.
    Outputs are printed one time step a line.

    With --prompt a streaming language model writes on from a text; a file or a network folder that makes
    speech or writing of a text writes it into the file of -o, and one that translates prints the translation.
    With --language-model a recogniser asks one which of the texts that it may have heard is likely.

    A file that gives sound, as a denoiser does, writes it with -o clean.wav: as long as the recording and in
    time with it, at the model's rate; with --mic until Ctrl-C.

    A folder of .npy, .csv and sound files is scored file by file into the folder of -o. Run it again to go on
    where it stopped; the exit code is 1 where a file failed.
    """
    import edgernn
    from edgernn.cli.answers import find_answers
    from edgernn.cli.arrays import check_array_path, write_arrays
    from edgernn.cli.collection import score_folder
    from edgernn.cli.console import print_note
    from edgernn.cli.lines import answer_lines, only_input, print_outputs
    from edgernn.cli.makers import find_maker, make
    from edgernn.cli.network_running import made_outcome, run_network
    from edgernn.cli.reading import Reading
    from edgernn.cli.recipe_options import merge
    from edgernn.cli.running import batch_of, open_stream, read_inputs, run_arrays, save_states
    from edgernn.cli.scorer import Scorer
    from edgernn.cli.sound_outputs import check_sound_output, filter_sound, is_sound_output
    from edgernn.cli.tellers import find_teller, hop_seconds
    from edgernn.cli.text_lines import answer_texts
    from edgernn.cli.writing import Writing, write_text
    from edgernn.errors import InputError

    inputs = inputs or []
    writing = Writing(prompt, length, temperature, top_k, seed)
    writing.check(inputs, mic)
    reading = Reading(beam, language_model, language_weight, bonus)
    folder = len(inputs) == 1 and Path(inputs[0]).is_dir()
    reading.check(
        told=not (folder or file.is_dir() or inputs == ["-"] or output or resume or prompt is not None)
    )
    if nan not in ("refuse", "allow"):
        raise InputError(f"--nan: expected refuse or allow, found {nan!r}.")
    names = [name.strip() for name in provider.split(",")]
    chosen = merge(settings)
    if file.is_dir():
        return run_network(
            file, inputs, prompt, output, chosen, seed=seed, provider=names, threads=threads, json=json
        )
    if folder:
        if resume is not None or save_state is not None:
            raise InputError("--resume and --save-state are for one stream, not for a folder.")
        scorer = Scorer(str(file.absolute()), tuple(names), threads, nan, tuple(column or ()))
        return score_folder(scorer, Path(inputs[0]), output, engine, workers)
    if engine != "local" or workers is not None:
        raise InputError("--engine and --workers work through a folder; give one as INPUT.")
    session = edgernn.load(
        file,
        provider=names if len(names) > 1 else names[0],
        threads=threads,
        nan="refuse" if nan == "refuse" else "allow",
    )
    for name, reason in session.fallbacks:
        print_note(f"{name} was passed over for {session.provider}: {reason}")
    maker = find_maker(session.manifest.task)
    if prompt is not None and maker is not None:
        return made_outcome(make(maker, session, prompt, output, chosen, seed), prompt, output)
    if chosen:
        raise InputError("--set: it is for what a prompt makes; this file makes nothing of one.")
    if prompt is not None:
        text = write_text(session, writing, show=not json)
        return Outcome({"prompt": prompt, "text": text}, lambda console: None)
    streaming = session.manifest.streaming
    if not streaming and (resume is not None or save_state is not None):
        raise InputError(f"--resume and --save-state: {str(file)!r} is a sequence file and keeps no states.")
    if output is not None and is_sound_output(output):
        check_sound_output(session, output)
        if column or resume is not None or save_state is not None or inputs == ["-"]:
            raise InputError(
                f"output: {str(output)!r} is written of a whole recording: leave out -, --column, --resume "
                "and --save-state, or write .npy."
            )
        if mic:
            from edgernn.cli.microphone import record

            written = record(session, output)
        else:
            written = filter_sound(session, inputs, output)
        return Outcome(asdict(written), written.show)
    if output is not None:
        check_array_path(output, [spec.name for spec in session.outputs])
    delay = max(spec.delay for spec in session.outputs)
    if streaming and delay and resume is None:
        print_note(
            f"the first {delay} steps have no output: the model looks ahead, and answers that much later."
        )
    if mic:
        if output is not None or column or resume is not None or save_state is not None:
            raise InputError("--mic goes with none of --output, --column, --resume and --save-state.")
        from edgernn.cli.microphone import listen

        listen(session, json, reading)
        return Outcome(None, lambda console: None)
    if inputs == ["-"]:
        if output is not None or column:
            raise InputError("--output and --column do not go with -; redirect standard output instead.")
        answers = find_answers(session.manifest)
        if answers is not None:
            answer_texts(session, answers, json)
            return Outcome(None, lambda console: None)
        only_input(session)
        stream = open_stream(session, 1, resume) if streaming else None
        try:
            answer_lines(session, stream, json, fresh=resume is None)
        finally:
            # A live stream ends with Ctrl-C, or with its reader; its states are kept all the same.
            if stream is not None and save_state is not None:
                save_states(stream, save_state)
        return Outcome(None, lambda console: None)
    kind = find_teller(session.manifest.task)
    if kind is None:
        reading.use(session, None)  # refuses its options, which nothing would read
    arrays = read_inputs(session, inputs, column or ())
    stream = open_stream(session, batch_of(session, arrays), resume) if streaming else None
    outputs = run_arrays(session, arrays, stream, fresh=resume is None)
    if stream is not None and save_state is not None:
        save_states(stream, save_state)
    shapes = {name: list(array.shape) for name, array in outputs.items()}
    if output is not None:
        write_arrays(output, outputs)
    elif kind is not None and resume is None and batch_of(session, arrays) == 1:
        steps = next(iter(outputs.values())).shape[1]
        teller = kind(session, hop_seconds(session, arrays[0].shape[1], steps))
        reading.use(session, teller)
        told, lines = teller.whole([*teller.push(outputs), *teller.finish()])
        return Outcome(told, lambda console: console.print("\n".join(lines), markup=False, soft_wrap=True))

    def show(console: Console) -> None:
        if output is None:
            print_outputs(session, outputs, json=False)
        else:
            sizes = ", ".join(f"{name} {' × '.join(map(str, shape))}" for name, shape in shapes.items())
            console.print(f"Wrote {output}: {sizes}", soft_wrap=True)

    if output is not None:
        return Outcome({"path": str(output), "shapes": shapes}, show)
    return Outcome({"outputs": {name: array.tolist() for name, array in outputs.items()}}, show)
