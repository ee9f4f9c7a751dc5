"""``tf.gfile``: ``tf.io.gfile`` under TensorFlow 1's own names."""

from static.io import gfile as _files
from static.io.gfile import GFile as GFile


Open = FastGFile = GFile
Exists = _files.exists
IsDirectory = _files.isdir
ListDirectory = _files.listdir
Glob = _files.glob
MkDir = _files.mkdir
MakeDirs = _files.makedirs
Remove = _files.remove
DeleteRecursively = _files.rmtree
Copy = _files.copy
Rename = _files.rename
Stat = _files.stat
Walk = _files.walk
