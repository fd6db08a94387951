"""Networks without trained weights: the readout, the random layers, what they count, what they refuse."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score

from wann.random_weights import KitchenSinks, LinearLogistic, LinearRidge, RandomHiddenLayer, ReceptiveFields
from wann.random_weights.base import held_out
from wann.random_weights.hidden_layer import Layer, gradients
from wann.random_weights.readout import Readout
from wann.random_weights.receptive_fields import rectangles
from wann.utils.seeding import Purpose, stream

SMALL = {
    "kitchen sinks": KitchenSinks(features=60, random_state=0),
    "trained features": KitchenSinks(features=60, trained=True, random_state=0),
    "elm": RandomHiddenLayer(units=50, random_state=0),
    "rvfl": RandomHiddenLayer(units=50, direct_links=True, random_state=0),
    "trained rvfl": RandomHiddenLayer(units=20, direct_links=True, trained=True, random_state=0),
    "fields": ReceptiveFields(shape=(8, 8), units=50, random_state=0),
    "differences": ReceptiveFields(shape=(8, 8), units=50, weights="differences", random_state=0),
    "ridge": LinearRidge(random_state=0),
    "logistic": LinearLogistic(random_state=0),
}


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[:600] / 16.0, y[:600], x[1200:] / 16.0, y[1200:]


def rows_of(count, inputs, seed=3):
    rng = stream(seed, Purpose.RANDOM_WEIGHTS, 5)
    return rng.normal(1.0, 2.0, (count, inputs)), rng.integers(3, size=count)


@pytest.mark.parametrize(("count", "inputs"), [(200, 12), (40, 60)], ids=["sums", "dual form"])
def test_the_readout_is_ridge_regression_with_a_free_intercept(count, inputs):
    x, labels = rows_of(count, inputs)
    readout = Readout.fit(lambda rows: rows, x, labels, seed=0, strengths=[0.3])
    penalty = 0.3 * ((x - x.mean(axis=0)) ** 2).sum() / inputs
    targets = np.where(labels[:, None] == np.arange(3), 1.0, -1.0)
    padded = np.hstack([x, np.ones((count, 1))])
    free = np.diag([penalty] * inputs + [0.0])
    expected = np.linalg.solve(padded.T @ padded + free, padded.T @ targets)
    np.testing.assert_allclose(readout.weights, expected[:-1], rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(readout.intercept, expected[-1], rtol=1e-8)
    theirs = Ridge(alpha=penalty).fit(x, targets)
    np.testing.assert_allclose(readout(x), theirs.predict(x), atol=1e-9)


def test_many_features_are_summed_roughly_but_closely(monkeypatch):
    x, labels = rows_of(300, 20)
    exact = Readout.fit(lambda rows: rows, x, labels, seed=0, strengths=[0.01])
    monkeypatch.setattr("wann.random_weights.readout._MOST_EXACT", 10)
    monkeypatch.setattr("wann.random_weights.readout._CHUNK", 1000)
    rough = Readout.fit(lambda rows: rows, x, labels, seed=0, strengths=[1e-6, 0.01])
    assert rough.strength == 0.01  # the smaller one is below what such sums carry
    np.testing.assert_allclose(rough.weights, exact.weights, atol=1e-5)


def test_the_strength_is_chosen_on_held_out_rows():
    rng = stream(0, Purpose.RANDOM_WEIGHTS, 6)
    labels = rng.integers(2, size=60)
    x = np.hstack([labels[:, None] + rng.normal(0, 0.7, (60, 1)), rng.normal(0.0, 1.0, (60, 45))])
    readout = Readout.fit(lambda rows: rows, x, labels, seed=0, strengths=[1e-9, 10.0])
    kept, chosen = held_out(labels, 1 / 6, stream(0, Purpose.RANDOM_WEIGHTS, 0))
    targets = np.where(labels[:, None] == np.arange(2), 1.0, -1.0)
    variance = ((x[kept] - x[kept].mean(axis=0)) ** 2).sum() / 46
    hits = {
        strength: (
            Ridge(alpha=strength * variance).fit(x[kept], targets[kept]).predict(x[chosen]).argmax(axis=1)
            == labels[chosen]
        ).sum()
        for strength in (1e-9, 10.0)
    }
    assert hits[1e-9] != hits[10.0]
    assert readout.strength == max(hits, key=hits.get)


@given(
    counts=st.lists(st.integers(2, 30), min_size=2, max_size=5),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_every_class_is_learned_from_and_chosen_by(counts, share, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    kept, chosen = held_out(labels, share, stream(seed, Purpose.RANDOM_WEIGHTS, 0))
    assert sorted([*kept, *chosen]) == list(range(labels.size))
    assert set(labels[kept]) == set(labels[chosen]) == set(labels)


def test_products_of_kitchen_sinks_are_the_kernel(digits):
    x, y = digits[:2]
    model = KitchenSinks(features=20_000, gamma=0.05, random_state=1)
    layer = model._draw(x, y, 7)
    features = layer(x[:30])
    distances = ((x[:30, None] - x[None, :30]) ** 2).sum(axis=2)
    np.testing.assert_allclose(features @ features.T, np.exp(-0.05 * distances), atol=0.04)


@pytest.mark.parametrize("activation", ["cos", "tanh", "sigmoid"])
@pytest.mark.parametrize("linked", [False, True])
def test_gradients_are_those_of_the_cross_entropy(activation, linked):
    rng = stream(0, Purpose.RANDOM_WEIGHTS, 7)
    x, labels = rng.normal(size=(9, 4)), rng.integers(3, size=9)
    seen = None if linked else rng.integers(2, size=(4, 5)).astype(float)
    weights = rng.normal(size=(4, 5)) * (1.0 if seen is None else seen)
    numbers = [weights, rng.normal(size=5), rng.normal(size=(4 * linked + 5, 3)), rng.normal(size=3)]

    def loss():
        values = Layer(numbers[0], numbers[1], activation, 0.7)(x)
        scores = (np.hstack([x, values]) if linked else values) @ numbers[2] + numbers[3]
        return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(9), labels]))

    layer = Layer(numbers[0], numbers[1], activation, 0.7, seen)
    slopes = gradients(layer, numbers[2], numbers[3], x, labels, 4 * linked)
    for number, slope in zip(numbers, slopes, strict=True):
        for place in np.ndindex(number.shape):
            if number is numbers[0] and seen is not None and not seen[place]:
                assert slope[place] == 0.0
                continue
            before = number[place]
            number[place] = before + 1e-5
            above = loss()
            number[place] = before - 1e-5
            below = loss()
            number[place] = before
            assert slope[place] == pytest.approx((above - below) / 2e-5, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_method_learns_and_gives_the_same_again(name, digits):
    x, y, test_x, test_y = digits
    model = clone(SMALL[name]).fit(x, y)
    assert model.score(test_x, test_y) > 0.8
    again = clone(SMALL[name]).fit(x, y)
    np.testing.assert_array_equal(model.decision_function(test_x), again.decision_function(test_x))
    if name != "logistic":
        other = clone(SMALL[name]).set_params(random_state=1).fit(x, y)
        assert name == "ridge" or not np.array_equal(other.predict(test_x), model.predict(test_x))


@pytest.mark.slow
def test_what_is_trained_and_what_is_stored_is_counted(digits):
    x, y = digits[:2]
    counts = {
        name: (model.trained_parameters, model.stored_parameters)
        for name, model in ((name, clone(model).fit(x, y)) for name, model in SMALL.items())
    }
    readout, hidden = 10 * 50 + 10, 64 * 50 + 50
    assert counts["elm"] == (readout, readout + hidden)
    assert counts["rvfl"] == (readout + 640, readout + 640 + hidden)
    assert counts["kitchen sinks"] == (610, 610 + 65 * 60)
    assert counts["ridge"] == counts["logistic"] == (650, 650)
    assert counts["trained rvfl"] == (10 * 84 + 10 + 65 * 20,) * 2
    fields = clone(SMALL["fields"]).fit(x, y)
    seen = int((fields.layer_.weights != 0.0).sum())
    assert counts["fields"] == (readout, readout + seen + 50)


def test_only_the_ablation_changes_the_hidden_layer(digits):
    x, y = digits[:2]
    random = RandomHiddenLayer(units=20, random_state=0).fit(x, y).layer_
    trained = RandomHiddenLayer(units=20, random_state=0, trained=True)
    start = trained.fit(x, y)._draw(x, y, int(np.random.RandomState(0).randint(2**31 - 1)))
    np.testing.assert_array_equal(start.weights, random.weights)
    assert np.abs(trained.layer_.weights - random.weights).max() > 0.01
    fields = ReceptiveFields(shape=(8, 8), units=20, random_state=0, trained=True).fit(x, y).layer_
    assert not fields.weights[fields.seen == 0.0].any()


@given(height=st.integers(2, 30), width=st.integers(2, 30), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_receptive_fields_are_rectangles(height, width, seed):
    for seen in rectangles((height, width), 5, stream(seed, Purpose.RANDOM_WEIGHTS, 1)):
        image = seen.reshape(height, width)
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert len(rows) >= 2
        assert len(columns) >= 2
        assert (
            image.sum()
            == len(rows) * len(columns)
            == np.ptp(rows) * np.ptp(columns) + np.ptp(rows) + np.ptp(columns) + 1
        )


def test_receptive_fields_of_mnist_keep_away_from_the_border():
    seen = rectangles((28, 28), 300, stream(0, Purpose.RANDOM_WEIGHTS, 1)).reshape(-1, 28, 28)
    covered = seen.any(axis=0)
    assert covered[3:25, 3:25].all()
    assert covered.sum() == 22 * 22
    assert seen.sum(axis=(1, 2)).min() >= 10
    assert 0.05 < seen.mean() < 0.15


def test_a_difference_of_two_images_is_zero_half_way_between_them(digits):
    x, y = digits[:2]
    layer = clone(SMALL["differences"]).set_params(units=5)._draw(x, y, 3)
    lengths = np.linalg.norm(layer.weights, axis=0)
    np.testing.assert_allclose(lengths, 2.0)
    values = layer(x)
    for unit in range(5):  # each unit's two images lie at opposite ends of 0.5
        sums = np.sort(np.log(values[:, unit] / (1.0 - values[:, unit])))
        assert np.abs(sums[:, None] + sums[None, :]).min() < 1e-9


def test_a_method_works_within_scikit_learn_and_with_names_of_classes(digits):
    x, y, test_x, _ = digits
    words = np.array(["even", "odd"])[y % 2]
    model = RandomHiddenLayer(units=100, random_state=0)
    assert cross_val_score(model, x, words, cv=2).mean() > 0.85
    assert set(model.fit(x, words).predict(test_x)) == {"even", "odd"}


@pytest.mark.parametrize(
    ("model", "rows", "message"),
    [
        (RandomHiddenLayer(), ([[0.0], [1.0]], [1, 1]), "y has one class only, .*1.*: there is nothing"),
        (LinearRidge(), ([[0.0]] * 3, [0, 0, 1]), "class .*1.* has 1 row: each class needs at least 2"),
        (
            ReceptiveFields(shape=(3, 3)),
            ([[0.0] * 8] * 4, [0, 0, 1, 1]),
            r"shape must be the \(height, width\) of images of 8 pixels, got \(3, 3\)",
        ),
        (
            ReceptiveFields(shape=(2, 4), weights="learned"),
            ([[0.0] * 8] * 4, [0, 0, 1, 1]),
            "weights must be 'random' or 'differences', got 'learned'",
        ),
    ],
)
def test_wrong_input_is_refused_in_a_line(model, rows, message):
    with pytest.raises(ValueError, match=message) as caught:
        clone(model).fit(*map(np.array, rows))
    assert "\n" not in str(caught.value)
