"""``tf.app.flags``: settings of a program that its command line may change.

Flags are read from ``sys.argv`` when the first is asked for, or when ``tf.app.run`` begins. What no flag is defined for is
left to the program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphs.core.errors import user_line


class Error(Exception):
    """Something is wrong with a flag."""


class DuplicateFlagError(Error):
    """A flag is defined twice."""


class IllegalFlagValueError(Error):
    """A flag is given a value that it does not take."""


class UnrecognizedFlagError(Error):
    """There is no such flag."""


class Flag:
    """One setting.

    Attributes:
        name, help, default: as it was defined.
        value: what it is now.
        present: how often the command line named it.
    """

    def __init__(
        self, name: str, default: Any, help: str, kind: str, convert: Callable[[Any], Any], where: Any, several: bool = False
    ) -> None:
        self.name = name
        self.help = help
        self.kind = kind
        self.where = where
        self.several = several
        self.present = 0
        self._convert = convert
        self.default = self.converted(default)
        self.value = self.default

    @property
    def boolean(self) -> bool:
        """Whether it needs no value on the command line."""
        return self.kind == "a boolean"

    def converted(self, value: Any) -> Any:
        """``value`` as the flag keeps it. Raises IllegalFlagValueError."""
        if value is None:
            return None
        try:
            if self.several and isinstance(value, (list, tuple)):
                return [self._convert(item) for item in value]
            return [self._convert(value)] if self.several else self._convert(value)
        except (TypeError, ValueError) as error:
            raise IllegalFlagValueError(f"flag --{self.name}={value}: {error}") from None

    def parse(self, text: str) -> None:
        """Take a value from the command line; a flag of several values gains one."""
        value = self.converted(text)
        self.value = [*self.value, *value] if self.several and self.present else value
        self.present += 1


class FlagValues:
    """The flags of a program: their values are its attributes."""

    def __init__(self) -> None:
        object.__setattr__(self, "_table", {})
        object.__setattr__(self, "_parsed", False)
        object.__setattr__(self, "_checks", [])

    def __getattr__(self, name: str) -> Any:
        if name == "__flags":  # what TensorFlow's versions before 1.5 called it
            return self.flag_values_dict()
        if name not in self._table:
            raise AttributeError(f"no flag {name!r} is defined")
        if not self._parsed:
            self(sys.argv)
        return self._table[name].value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._table:
            raise UnrecognizedFlagError(f"Unknown command line flag {name!r}")
        if not self._parsed:
            self(sys.argv)
        flag = self._table[name]
        flag.value = value
        self._check(name)

    def __delattr__(self, name: str) -> None:
        if name not in self._table:
            raise AttributeError(f"no flag {name!r} is defined")
        del self._table[name]

    def __getitem__(self, name: str) -> Flag:
        return self._table[name]

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._table))

    def __len__(self) -> int:
        return len(self._table)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._table]

    def __call__(self, argv: Sequence[str], known_only: bool = True) -> list[str]:
        """Read the flags in ``argv``; what remains of it, the program's name first.

        Raises IllegalFlagValueError, Error for a flag without its value, and UnrecognizedFlagError unless ``known_only``.
        """
        object.__setattr__(self, "_parsed", True)
        rest, waiting = list(argv[:1]), list(argv[1:])
        while waiting:
            word = waiting.pop(0)
            if word == "--":
                rest += [word, *waiting] if known_only else waiting
                break
            name, given, value = word.lstrip("-").partition("=")
            flag = self._table.get(name) if word.startswith("-") else None
            off = self._table.get(name[2:]) if word.startswith("-") and name.startswith("no") else None
            if flag is None and off is not None and off.boolean and not given:
                off.parse("false")
            elif flag is None:
                if word.startswith("-") and name and not known_only:
                    raise UnrecognizedFlagError(f"Unknown command line flag {name!r}")
                rest.append(word)
            elif flag.boolean and not given:
                flag.parse("true")
            elif not given and not waiting:
                raise Error(f"Missing value for flag --{name}")
            else:
                flag.parse(value if given else waiting.pop(0))
        for name in self._table:
            self._check(name)
        return rest

    def is_parsed(self) -> bool:
        """Whether a command line has been read."""
        return self._parsed

    def mark_as_parsed(self) -> None:
        """Take the flags as they are."""
        object.__setattr__(self, "_parsed", True)

    def unparse_flags(self) -> None:
        """Read the command line again when the next flag is asked for."""
        object.__setattr__(self, "_parsed", False)

    def flag_values_dict(self) -> dict[str, Any]:
        """The values by name."""
        return {name: getattr(self, name) for name in self._table}

    def set_default(self, name: str, value: Any) -> None:
        """Change a flag's default, and its value unless the command line gave that."""
        flag = self._table[name]
        flag.default = flag.converted(value)
        if not flag.present:
            flag.value = flag.default

    def describe(self) -> str:
        """What ``--help`` prints."""
        lines = [f"\n       USAGE: {sys.argv[0]} [flags]\nflags:\n"]
        for name in self:
            flag = self._table[name]
            lines.append(f"  --{'[no]' if flag.boolean else ''}{name}: {flag.help}")
            if flag.default is not None:
                shown = str(flag.default).lower() if flag.boolean else flag.default
                lines.append(f"    (default: '{shown}')")
            lines += [] if flag.boolean or not flag.kind else [f"    ({flag.kind})"]
        return "\n".join(lines)

    def _flags(self) -> dict[str, Flag]:
        """The flags by name; absl's name, which programs use to delete them in notebooks."""
        return self._table

    def _parse_flags(self, args: Sequence[str] | None = None) -> None:
        """Read the command line; programs for versions before 1.5 call it."""
        self([sys.argv[0], *args] if args is not None else sys.argv)

    def _define(self, flag: Flag) -> None:
        before = self._table.get(flag.name)
        if before is not None and str(before.where) != str(flag.where):
            raise DuplicateFlagError(
                f"The flag {flag.name!r} is defined twice. First at {before.where}, then at {flag.where}."
            )
        self._table[flag.name] = flag
        self.unparse_flags()

    def _check(self, name: str) -> None:
        for about, holds, message in self._checks:
            if about == name and name in self._table and not holds(self._table[name].value):
                raise IllegalFlagValueError(f"flag --{name}={self._table[name].value}: {message}")


FLAGS = FlagValues()
"""The program's flags."""


def _definer(kind: str, convert: Callable[[Any], Any], several: bool = False) -> Callable[..., None]:
    """The function that defines flags of a kind."""

    def define(name: str, default: Any, help: str | None = None, flag_values: FlagValues = FLAGS, **args: Any) -> None:
        docstring = args.pop("docstring", None)  # its name in versions before 1.5
        flag_values._define(Flag(name, default, help or docstring or "", kind, convert, user_line(2), several))

    define.__doc__ = f"""Define a flag whose value is {kind or "text"}{", or several of them" if several else ""}.

    Raises DuplicateFlagError where another line has defined it, IllegalFlagValueError for a default it does not take.
    """
    return define


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("flag value must be a string")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, str):
        return int(value, 16 if value.lower().startswith("0x") else 10)
    if isinstance(value, bool) or value != int(value):
        raise TypeError(f"flag value must be an integer, not {value!r}")
    return int(value)


def _truth(value: Any) -> bool:
    if isinstance(value, str):
        if value.lower() in ("true", "t", "1"):
            return True
        if value.lower() in ("false", "f", "0"):
            return False
        raise ValueError(f"Non-boolean argument to boolean flag: {value!r}")
    if value not in (0, 1):
        raise ValueError(f"Non-boolean argument to boolean flag: {value!r}")
    return bool(value)


def _commas(value: Any) -> list[str]:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) and value else list(value)


DEFINE_string = _definer("", _text)
DEFINE_integer = _definer("an integer", _integer)
DEFINE_float = _definer("a number", float)
DEFINE_bool = DEFINE_boolean = _definer("a boolean", _truth)
DEFINE_list = _definer("a comma separated list", _commas)
DEFINE_spaceseplist = _definer("a whitespace separated list", lambda x: x.split() if isinstance(x, str) else list(x))
DEFINE_multi_string = _definer("", _text, several=True)
DEFINE_multi_integer = _definer("an integer", _integer, several=True)
DEFINE_multi_float = _definer("a number", float, several=True)


def DEFINE_enum(  # noqa: N802 (the name that programs use)
    name: str, default: str | None, enum_values: Sequence[str], help: str = "", flag_values: FlagValues = FLAGS
) -> None:
    """Define a flag whose value is one of ``enum_values``."""

    def chosen(value: Any) -> str:
        if value not in enum_values:
            raise ValueError(f"value should be one of <{'|'.join(enum_values)}>")
        return str(value)

    kind = f"<{'|'.join(enum_values)}>"
    flag_values._define(Flag(name, default, help, kind, chosen, user_line(2)))


def register_validator(
    flag_name: str,
    checker: Callable[[Any], bool],
    message: str = "Flag validation failed",
    flag_values: FlagValues = FLAGS,
) -> None:
    """Have the flag's value checked when flags are read and when it is changed; IllegalFlagValueError says ``message``."""
    flag_values._checks.append((flag_name, checker, message))


def mark_flag_as_required(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """Have the command line give the flag, unless its default is not None."""
    register_validator(flag_name, lambda value: value is not None, "it must have a value other than None", flag_values)


def mark_flags_as_required(flag_names: Sequence[str], flag_values: FlagValues = FLAGS) -> None:
    """``mark_flag_as_required`` of each."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)


def read(argv: Sequence[str]) -> list[str]:
    """The program's own part of its command line, the flags being read. Prints and exits for ``--help`` and for mistakes."""
    if any(word in ("--help", "-help", "-h", "--helpfull", "--helpshort") for word in argv[1:]) and "help" not in FLAGS:
        print(FLAGS.describe())
        sys.exit(1)
    try:
        return FLAGS(argv)
    except Error as error:
        sys.stderr.write(f"FATAL Flags parsing error: {error}\nPass --help to see help on flags.{os.linesep}")
        sys.exit(1)
