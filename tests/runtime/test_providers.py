import onnxruntime
import pytest

from edgernn.errors import InputError, ModelError, ProviderError
from edgernn.runtime import load, providers

MISSING = [name for name in providers.known() if name not in providers.present()]


def test_the_cpu_is_there():
    assert "cpu" in providers.present()
    assert {"cuda", "tensorrt", "openvino", "coreml", "nnapi", "qnn", "xnnpack", "directml", "webgpu"} <= set(
        providers.known()
    )


@pytest.mark.parametrize("name", providers.known())
def test_each_module_declares_what_the_runtime_needs(name):
    provider = providers.get(name)
    assert provider.ONNXRUNTIME_NAME.endswith("ExecutionProvider")
    assert provider.INSTALL
    assert provider.HOST_MEMORY in (True, False)
    assert all(isinstance(value, str) for value in provider.options(2).values())


def test_names_are_onnxruntimes_own():
    """A misspelt name would make a provider missing for ever."""
    names = set(onnxruntime.get_all_providers())
    assert {providers.get(name).ONNXRUNTIME_NAME for name in providers.known()} <= names


@pytest.mark.parametrize(("typo", "near"), [("cdua", "cuda"), ("CPU", "cpu"), ("open-vino", "openvino")])
def test_a_typo_gets_a_suggestion_and_the_lists(recurrent, typo, near):
    with pytest.raises(ProviderError, match=f"unknown provider '{typo}'. Did you mean '{near}'") as caught:
        load(recurrent(), provider=typo)
    assert f"Known: {', '.join(providers.known())}." in str(caught.value)
    assert f"In this onnxruntime: {', '.join(providers.present())}." in str(caught.value)


def test_a_far_off_name_gets_no_suggestion(recurrent):
    with pytest.raises(ProviderError, match=r"unknown provider 'quantum'. Known: "):
        load(recurrent(), provider="quantum")


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_provider_is_no_silent_cpu(recurrent, name):
    with pytest.raises(ProviderError, match=f"provider '{name}' is not in this onnxruntime") as caught:
        load(recurrent(), provider=name)
    assert "which has: " in str(caught.value)
    assert "cpu" in str(caught.value)
    assert providers.get(name).INSTALL in str(caught.value)


@pytest.mark.skipif(not MISSING, reason="this onnxruntime has every provider")
def test_a_list_falls_back_and_says_so(recurrent):
    session = load(recurrent(), provider=[MISSING[0], "cpu"])
    assert session.provider == "cpu"
    ((name, reason),) = session.fallbacks
    assert name == MISSING[0]
    assert f"provider '{name}' is not in this onnxruntime" in reason
    with pytest.raises(ProviderError, match=f"none of the providers {MISSING[0]} works. .*is not in this"):
        load(recurrent(), provider=[MISSING[0]])


def test_a_list_takes_the_first_that_works(recurrent):
    session = load(recurrent(), provider=["cpu", "cuda"])
    assert (session.provider, session.fallbacks) == ("cpu", ())


def test_a_typo_in_a_list_is_an_error_too(recurrent):
    with pytest.raises(ProviderError, match="unknown provider 'cdua'"):
        load(recurrent(), provider=["cpu", "cdua"])
    with pytest.raises(InputError, match="provider: the list is empty"):
        load(recurrent(), provider=[])


def test_auto_takes_what_works_and_lists_the_rest(recurrent):
    session = load(recurrent(), provider="auto")
    assert session.provider in providers.present()
    order = providers.by_preference()
    assert order[-1] == "cpu"
    assert [name for name, _ in session.fallbacks] == list(order[: order.index(session.provider)])


def test_onnxruntime_taking_another_provider_is_an_error(recurrent, monkeypatch):
    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda self: ["OtherProvider"])
    with pytest.raises(ProviderError, match="provider 'cpu' did not start; onnxruntime took OtherProvider"):
        load(recurrent())


def test_a_provider_that_fails_to_start_is_named(recurrent, monkeypatch, capfd):
    def refuse(*args, **kwargs):
        raise RuntimeError("no driver")

    path = recurrent()
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(ProviderError, match=r"provider 'cuda' cannot run .*: no driver\."):
        load(path, provider="cuda")
    assert capfd.readouterr() == ("", "")


def test_provider_options_belong_to_one_provider(recurrent):
    assert load(recurrent(), provider_options={"use_arena": "1"}).provider == "cpu"
    with pytest.raises(InputError, match="provider_options: they belong to one provider"):
        load(recurrent(), provider="auto", provider_options={"device_id": "1"})


def test_a_broken_file_is_the_files_fault_whatever_the_list(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="broken"):
        load(path, provider="auto")
