"""The base score of a CVSS 3 vector, and its word (CVSS 3.1 specification, sections 7.1 and 5) (pure)."""

WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    **{name: {"H": 0.56, "L": 0.22, "N": 0.0} for name in "CIA"},
}
PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
WORDS = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "none"))


def severity_text(told: str) -> str:
    """What an advisory says of its severity as people read it: `high, 7.5` of a CVSS 3 vector, anything else as it is."""
    if not told.startswith("CVSS:3."):
        return told
    try:
        score = base_score(dict(part.split(":", 1) for part in told.split("/")))
    except (KeyError, ValueError):
        return told
    return f"{next(word for floor, word in WORDS if score >= floor)}, {score}"


def base_score(metrics: dict[str, str]) -> float:
    """The base score, by the specification's formula. Raises KeyError for a vector that lacks a metric."""
    changed = metrics["S"] == "C"
    weight = {name: table[metrics[name]] for name, table in WEIGHTS.items()}
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    ease = 8.22 * weight["AV"] * weight["AC"] * PRIVILEGES[metrics["S"]][metrics["PR"]] * weight["UI"]
    return 0.0 if impact <= 0 else _rounded_up(min((1.08 if changed else 1.0) * (impact + ease), 10))


def _rounded_up(score: float) -> float:
    """To one decimal, as the specification's appendix A does it, so that floating point does not matter."""
    whole = round(score * 100_000)
    return (whole if whole % 10_000 == 0 else (whole // 10_000 + 1) * 10_000) / 100_000
