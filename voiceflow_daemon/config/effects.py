"""What a reload has to do: the union of the changed fields' effects, and nothing else."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from voiceflow_daemon.config.schema import Effect, Settings


def changed(old: Settings, new: Settings) -> dict[str, Effect]:
    """The dotted keys whose values differ, with what each one takes."""
    return dict(_differences(old, new, ""))


def effects(old: Settings, new: Settings) -> frozenset[Effect]:
    """The union of the changed fields' effects."""
    return frozenset(changed(old, new).values())


def effect_of(field: FieldInfo) -> Effect:
    """The effect that a field declares; raises TypeError for one that declares none."""
    extra = field.json_schema_extra
    if not isinstance(extra, dict):
        raise TypeError("the field declares no effect")
    return Effect(str(extra["effect"]))


def _differences(old: BaseModel, new: BaseModel, prefix: str) -> list[tuple[str, Effect]]:
    found: list[tuple[str, Effect]] = []
    for name, field in type(old).model_fields.items():
        before, after = getattr(old, name), getattr(new, name)
        key = f"{prefix}{name}"
        if before == after:
            continue
        if isinstance(before, BaseModel):
            found += _differences(before, after, f"{key}.")
        elif isinstance(before, dict):
            found += [(f"{key}.{entry}", effect) for entry, effect in _entries(before, after).items()]
        else:
            found.append((key, effect_of(field)))
    return found


def _entries(before: dict[str, BaseModel], after: dict[str, BaseModel]) -> dict[str, Effect]:
    """A context that came or went changes the prompts; one that differs, what its fields say."""
    found: dict[str, Effect] = {}
    for name in sorted(before.keys() | after.keys()):
        if name in before and name in after:
            for key, effect in _differences(before[name], after[name], ""):
                found[f"{name}.{key}"] = effect
        else:
            found[name] = Effect.PROMPTS
    return found
