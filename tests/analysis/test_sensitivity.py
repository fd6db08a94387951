"""Sensitivity: what is measured, what robustness means, its figure, what is refused."""

import dataclasses

import numpy as np
import pytest
import toys  # noqa: F401 - registers them
from champions import TOY, champion_of, genome_of
from conftest import evolved
from matplotlib.backends.backend_agg import FigureCanvasAgg

from wann.analysis.sensitivity import STRENGTHS, Detail, measure
from wann.evaluation.evaluator import LocalEvaluator
from wann.evaluation.placement import Placement
from wann.rollouts.samples import classify_numpy
from wann.tasks.registry import get_task
from wann.utils.seeding import Purpose, episode_seeds
from wann.visualization.sensitivity_figure import MOST_NAMED, plot_sensitivity, sensitivity_figure
from wann.visualization.theme import figure_style

FEW = {"detail": Detail(points=9, draws=3, sets=4)}


@pytest.fixture(scope="module")
def toy():
    return measure(champion_of("toys/Toy-v0", TOY, [1.0]), episodes=4, seed=2, **FEW)


def test_each_sign_is_flipped_by_itself(toy):
    champion, task = champion_of("toys/Toy-v0", TOY, [1.0]), get_task("toys/Toy-v0")
    network = champion.network
    seeds = episode_seeds(2, Purpose.SENSITIVITY, 4, 2)
    assert toy.connections[0] == (10, champion.inputs[0], "linear 5")
    with LocalEvaluator(task, task.episode_steps) as evaluator:

        def mean(weights):
            return evaluator.evaluate([network], np.array(weights)[None], seeds).returns.mean()

        assert toy.score == mean(np.ones(4))
        for place in range(4):
            assert toy.flipped[place] == mean(np.where(np.arange(4) == place, -1.0, 1.0))
    assert [mark for mark, *_ in toy.connections] == network.mark.tolist()
    assert toy.lost.tolist() == (toy.score - toy.flipped).tolist()


def test_the_sweep_is_that_of_single_shared_weights(toy):
    champion, task = champion_of("toys/Toy-v0", TOY, [1.0]), get_task("toys/Toy-v0")
    with LocalEvaluator(task, task.episode_steps) as evaluator:
        seeds = episode_seeds(2, Purpose.SENSITIVITY, 4, 2)
        for place in (0, 4, 8):
            (returns,) = evaluator.evaluate([champion.network], toy.sweep_weights[[place]], seeds).returns
            assert (toy.sweep_mean[place], toy.sweep_std[place]) == (returns.mean(), returns.std())
    assert toy.sweep_weights.tolist() == np.linspace(-2.0, 2.0, 9).tolist()
    assert toy.nothing == toy.sweep_mean[4]
    assert toy.best[1] == toy.sweep_mean.max()


def test_robustness_is_the_area_under_the_share_left_by_noise(toy):
    assert toy.noisy.shape == (len(STRENGTHS), 3)
    assert toy.noisy[0].tolist() == [toy.score] * 3
    share = np.clip((toy.noisy.mean(axis=1) - toy.nothing) / (toy.score - toy.nothing), 0.0, 1.0)
    assert toy.robustness == pytest.approx(0.1 * (share.sum() - 0.5 * (share[0] + share[-1])))
    assert 0.0 < toy.robustness < 1.0


def test_an_output_that_only_follows_a_sign_is_as_robust_as_the_sign_is():
    # Of MountainCar the action is the largest output, so that the size of a single one does not matter.
    genome = genome_of(2, 3, [], [(2, 5, True)])
    found = measure(
        champion_of("MountainCar-v0", genome, [1.0]), detail=Detail(draws=400, points=2, sets=1), episodes=5
    )
    left = (found.noisy.mean(axis=1) - found.nothing) / (found.score - found.nothing)
    assert (left[:3] > 0.999).all()  # noise of 20 % turns no sign
    # At a strength s the sign turns with the probability that a standard normal number is below -1/s; then
    # the car is pushed against its way, which is no better than pushing nothing.
    assert left[-1] == pytest.approx(1.0 - 0.1587, abs=0.05)
    assert found.robustness > 0.9


def test_shared_weights_are_more_robust_than_tuned_ones_of_the_published_champion(published):
    shared, tuned = (measure(published, weight=weight, episodes=10) for weight in (None, "tuned"))
    assert shared.weight == published.best_weight
    assert tuned.weight == "tuned"
    assert tuned.score > 900.0 > shared.score > 650.0
    assert 0.1 < tuned.robustness < 0.35 < shared.robustness < 0.7
    assert shared.random.mean() == tuned.random.mean() < 150.0


def test_threads_change_nothing_and_seeds_do():
    champion = champion_of("swingup", evolved(30, 25), [2.0])
    options = {"episodes": 2, **FEW}
    first = measure(champion, placement=Placement(1), **options).to_dict()
    assert measure(champion, placement=Placement(3), **options).to_dict() == first
    assert measure(champion, seed=1, **options).to_dict()["noise"] != first["noise"]


@pytest.mark.slow
def test_of_a_classifier_the_accuracy_on_the_test_part_is_measured(digits):
    seen = []
    found = measure(digits, weight=0.5, progress=lambda done, total: seen.append((done, total)), **FEW)
    test, network = get_task("digits").samples.test, digits.network
    count = network.sources.size
    sets = np.full((2, count), 0.5)
    sets[1, 3] = -0.5
    _, (untouched, flipped) = classify_numpy(network, sets, test.inputs(), test.labels)
    assert (found.score, found.flipped[3]) == (untouched, flipped)
    assert found.measure == "accuracy"
    assert found.episodes == test.labels.size
    assert found.nothing == pytest.approx((test.labels == 0).mean())  # of equal outputs the first
    assert not found.sweep_std.any()
    assert seen[-1] == (2 + 9 + count + 3 * 10 + 4,) * 2
    assert measure(digits, weight=0.5, placement=Placement(3), **FEW).to_dict() == found.to_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": "tuned"}, "no tuned weights"),
        ({"weight": 2000.0}, "within ±1000"),
        ({"weight": 0.0}, r"scores .* at weight 0\.0, and .* with all weights 0: there is nothing to lose"),
        ({"episodes": 0}, "episodes must be at least 1, not 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        measure(champion_of("toys/Toy-v0", TOY, [1.0]), **{"episodes": 2, **FEW, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": 1}, "points must be at least 2, not 1"),
        ({"draws": 0}, "draws must be at least 1, not 0"),
        ({"sets": 0}, "sets must be at least 1, not 0"),
    ],
)
def test_too_few_weights_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Detail(**change)


def test_a_data_set_has_no_episodes(digits):
    with pytest.raises(ValueError, match="digits is a data set, which has no episodes"):
        measure(digits, episodes=3)


def test_the_table_has_a_row_for_every_number(toy):
    rows = toy.rows()
    kinds = [kind for kind, *_ in rows]
    assert [kinds.count(kind) for kind in ("sweep", "noise", "flip", "random")] == [9, 11, 4, 4]
    assert rows[9] == ("noise", "strength", 0.0, pytest.approx(toy.score), 0.0)


# the figure


def drawn(found, **options):
    with figure_style():
        figure = sensitivity_figure(found, **options)
        FigureCanvasAgg(figure).draw()
    return figure


def test_the_figure_shows_all_four(toy):
    figure = drawn(toy, title="$toy$ <b>")
    sweep, noise, flips, random = figure.axes
    assert figure.get_suptitle() == "$toy$ <b>"
    assert sweep.lines[0].get_ydata().tolist() == toy.sweep_mean.tolist()
    assert noise.lines[0].get_ydata() == pytest.approx(toy.noisy.mean(axis=1))
    assert f"robustness to noise {toy.robustness:.2f}" in noise.get_legend().get_texts()[1].get_text()
    order = np.argsort(-np.abs(toy.lost), kind="stable")
    assert [bar.get_width() for bar in flips.patches] == toy.lost[order].tolist()
    assert flips.get_yticklabels()[0].get_text().endswith("→ linear 5")
    assert sum(bar.get_height() for bar in random.patches) == 4
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 >= -1.0
        assert box.x1 <= figure.bbox.x1 + 1.0
        assert box.y0 >= -1.0


def test_many_connections_share_a_bar(toy):
    marks = tuple((k, "row 10 column 12 of a wide image", f"gaussian {k}") for k in range(300))
    many = dataclasses.replace(toy, connections=marks, flipped=np.linspace(0.0, toy.score, 300))
    flips = drawn(many).axes[2]
    assert len(flips.patches) == MOST_NAMED + 1
    assert flips.get_yticklabels()[-1].get_text() == f"{300 - MOST_NAMED} others, least to most"
    widths = [bar.get_width() for bar in flips.patches]
    assert widths[0] == max(widths)


def test_the_same_numbers_give_the_same_bytes(toy, tmp_path):
    paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in paths:
        plot_sensitivity(toy, path, title="toy")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf"):
        plot_sensitivity(toy, tmp_path / "a.gif")
