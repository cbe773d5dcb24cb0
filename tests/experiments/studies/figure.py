"""Figure of the walks."""

from matplotlib.figure import Figure

from experiments.report import style


def draw(load, preset, folder):
    with style.paper():
        figure = Figure(figsize=(style.COLUMN, 2.0))
        axes = figure.subplots()
        for record in load(preset, "my_study"):
            axes.plot(
                [line["step"] for line in record.metrics], [line["norm"] for line in record.metrics]
            )
        return style.save(figure, folder, "walks")
