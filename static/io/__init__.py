"""``tf.io``: files, and what is read from them."""

from static.export.metagraph import write_graph as write_graph
from static.io import gfile as gfile
from static.io.files import (
    decode_csv as decode_csv,
    matching_files as matching_files,
    read_file as read_file,
    write_file as write_file,
)
from static.strings import decode_base64 as decode_base64, decode_raw as decode_raw, encode_base64 as encode_base64
