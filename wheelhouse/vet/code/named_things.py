"""Attributes and items of values of foreign code, by the dotted names of things (pure)."""

from abc import ABC, abstractmethod
from dataclasses import replace

from wheelhouse.vet.code import api_names
from wheelhouse.vet.code.computed_values import environment_variable
from wheelhouse.vet.code.values import (
    CLASS_METHOD,
    METHOD,
    UNKNOWN,
    Class,
    Constant,
    Function,
    Instance,
    Origin,
    Value,
)

PACKAGE_FOLDERS = ("._vendor", ".vendor", ".vendored", "._vendored", ".thirdparty", ".extern")
"""The ends of names of packages that bundle others."""
MODULES_OF_NAMES = ("builtins.globals()", "builtins.locals()", "builtins.vars()")


class NamedThings(ABC):
    """Gives attributes and items. `Expressions` evaluates code with them."""

    @abstractmethod
    def lookup(self, name: str) -> Value | None:
        """The value of a dotted name of the code's own package; None if there is none. `Interpreter` implements it."""

    def attribute(self, value: Value, attribute: str, *, is_spelled: bool = True) -> Value:
        """The value of an attribute: what the code's own class, instance or module has, else a named thing, as `os.system`.

        A project of NETWORK_ROOTS in a package that bundles it has its own name. A value without a name gives an unknown one, with its
        text and origins if it has origins. `__call__` gives the value itself, unless it is an instance. The import of the
        code's own module is followed first, as `lookup` says.
        """
        target = value.target
        if isinstance(target, Instance):
            return self._attribute_of_class(value, target.of, attribute)
        if attribute == "__call__":
            return value
        if isinstance(target, Class):
            return self._attribute_of_class(value, target, attribute)
        if not value.name:
            return Value(text=value.text, origins=value.origins) if value.origins else UNKNOWN
        is_bundled = attribute in api_names.NETWORK_ROOTS and value.name.endswith(PACKAGE_FOLDERS)
        name = attribute if is_bundled else f"{value.name}.{attribute}"
        own = self.lookup(name)
        if own is not None:
            return own
        origins = value.origins
        if name == "os.environ":
            origins = frozenset((Origin("environment", "os.environ"),))
        return Value(name=name, text=value.text, origins=origins, is_spelled=value.is_spelled and is_spelled)

    def _attribute_of_class(self, value: Value, made: Class, attribute: str) -> Value:
        """An attribute of the class, else of the first of its base classes in the code that has it, or stored on any instance
        of these; a function becomes a method.

        Else `Base().x` of an instance if a base is outside the code, else UNKNOWN.
        """
        external = ""
        for of in (made, *made.above):
            found = of.attributes.get(attribute) or of.scope.names.get(attribute)
            if found is not None:
                return _bound(found, value)
            external = external or next((base.name for base in of.bases if base.name), "")
        return Value(name=f"{external}().{attribute}") if external and value.target is not made else UNKNOWN

    def item(self, value: Value, index: Value) -> Value:
        """The value of `value[index]`: an item of a known dict, sequence or constant, a variable of `os.environ`, or what a text names.

        Otherwise a value with the data of both, named `f()[]` if it is of the result of a call, else unknown; for a key that
        a known dict lacks, unknown with the origins of the dict alone.
        """
        key = index.constant
        if isinstance(key, str) and value.name:
            if value.name == "os.environ":
                return environment_variable(key)
            return self._named_by_text(value, key)
        if value.entries is not None and is_key(key):
            return value.entries.get(key, Value(origins=value.origins))
        if value.items is not None and isinstance(key, int) and -len(value.items) <= key < len(value.items):
            return value.items[key]
        if (
            isinstance(value.constant, str | bytes)
            and isinstance(key, int)
            and -len(value.constant) <= key < len(value.constant)
        ):
            return Value(constant=value.constant[key], origins=value.origins)
        name = f"{value.name}[]" if value.name.endswith("()") else ""
        return Value(name=name, text=value.text, origins=value.origins | index.origins)

    def _named_by_text(self, value: Value, key: str) -> Value:
        """What a text names in the dict of a module: `sys.modules['os']`, `os.__dict__['system']`, `vars(builtins)['exec']`.

        Of any other thing, `name[]` with the thing's data.
        """
        if value.name == "sys.modules":
            return Value(name=key, is_spelled=False)
        if value.name in MODULES_OF_NAMES:
            own = self.lookup_global(key)
            if own is not None:
                return own
            name = f"builtins.{key}" if key in api_names.BUILTINS else key.replace("__builtins__", "builtins")
            return Value(name=name, is_spelled=False)
        if value.name.endswith(".__dict__"):
            return self.attribute(Value(name=value.name.removesuffix(".__dict__")), key, is_spelled=False)
        if value.name == "builtins":
            return Value(name=f"builtins.{key}", is_spelled=False)
        return Value(name=f"{value.name}[]", text=value.text, origins=value.origins)

    @abstractmethod
    def lookup_global(self, name: str) -> Value | None:
        """The value of a name of the module that runs; None if there is none. `Calls` implements it."""


def _bound(found: Value, owner: Value) -> Value:
    """A function of a class as a method of an instance, or as a class method of a class.

    Anything else as it is, also a function that is bound already.
    """
    function = found.target
    kinds = (METHOD, CLASS_METHOD) if isinstance(owner.target, Instance) else (CLASS_METHOD,)
    if isinstance(function, Function) and function.instance is None and function.binds in kinds:
        return Value(target=replace(function, instance=owner))
    return found


def is_key(constant: Constant) -> bool:
    """Whether a constant can be a key of a followed dictionary: a text, an integer or bytes."""
    return isinstance(constant, str | int | bytes)
