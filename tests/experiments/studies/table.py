"""Table of the walks."""


def table(load, preset):
    rows = [f"| {r.run.seed} | {r.metrics[-1]['norm']:.3f} |" for r in load(preset, "my_study")]
    return "\n".join(["| seed | norm |", "|---|---|", *rows]) + "\n"
