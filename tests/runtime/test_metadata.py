import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.errors import InputError, ModelError
from edgernn.runtime.metadata import read_metadata


def test_metadata_is_what_onnx_reads(recurrent):
    path = recurrent()
    assert read_metadata(path) == {item.key: item.value for item in onnx.load(path).metadata_props}


@settings(max_examples=100, deadline=None)
@given(properties=st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_any_text_is_read(tmp_path_factory, properties):
    model = onnx.ModelProto(ir_version=9, producer_name="test")
    onnx.helper.set_model_props(model, properties)
    path = tmp_path_factory.mktemp("metadata") / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert read_metadata(path) == properties


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60))
def test_garbage_is_a_model_error_or_has_no_metadata(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("garbage") / "model.onnx"
    path.write_bytes(data)
    try:
        properties = read_metadata(path)
    except ModelError as error:
        assert "model.onnx" in str(error)  # noqa: PT017 - either is right
    else:
        assert isinstance(properties, dict)


def test_every_cut_is_noticed(recurrent, tmp_path):
    """Cut inside a field, a file is refused; between two fields it is a whole message, if a short one."""
    data = recurrent().read_bytes()
    cut = tmp_path / "cut.onnx"
    refused = 0
    for length in range(len(data)):
        cut.write_bytes(data[:length])
        try:
            read_metadata(cut)
        except ModelError:
            refused += 1
    assert len(data) - refused < 10


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.onnx' cannot be read"):
        read_metadata(tmp_path / "nothing.onnx")
