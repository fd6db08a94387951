"""The estimators: scikit-learn's own checks, the same model on any threads, files whole or refused."""

import copy
import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from conftest import evolved

pytest.importorskip("sklearn", reason="the extra data is not installed")

from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from wann.analysis import classifier as accuracy
from wann.champion import load_champion
from wann.networks.network import batch_networks, compile_genome, evaluate_network_numpy
from wann.rollouts.losses import squared_error, weighted_entropy
from wann.rollouts.samples import classify, make_batch, outputs
from wann.settings import NUMBER_WEIGHTS, PAPER_WEIGHTS
from wann.sklearn import WANNClassifier, WANNRegressor
from wann.visualization.network_figure import draw_genome

QUICK = {"population": 32, "generations": 25, "random_state": 0}
GRID = np.linspace(0.1, 1.1, 25)  # what a regressor's champion is confirmed at
IRIS = load_iris(return_X_y=True)
SPECIES = np.array(["setosa", "versicolor", "virginica"])[IRIS[1]]
DIABETES = load_diabetes(return_X_y=True)


@pytest.fixture(scope="module")
def classifier():
    return WANNClassifier(**QUICK).fit(IRIS[0], SPECIES)


@pytest.fixture(scope="module")
def regressor():
    return WANNRegressor(**QUICK).fit(*DIABETES)


@pytest.mark.slow
@parametrize_with_checks(
    [
        # Weights of one sign are learned faster, and some checks look at the score.
        WANNClassifier(population=24, generations=20, weights=(0.5, 1.0, 1.5, 2.0)),
        WANNRegressor(population=24, generations=12),
    ],
    expected_failed_checks=lambda _: {
        # Rows are dealt out at random: as many more of them are dealt differently.
        "check_sample_weight_equivalence_on_dense_data": "rows for validation are drawn",
    },
)
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


# Weights of rows and classes, and going on


def test_rows_count_by_their_weight_and_those_of_weight_nought_do_not():
    X = IRIS[0]
    weights = np.where(SPECIES[60] == SPECIES, 30.0, 1.0)
    plain, weighted = (WANNClassifier(**QUICK).fit(X, SPECIES, given) for given in (None, weights))
    assert (weighted.predict(X) == SPECIES[60]).sum() > (plain.predict(X) == SPECIES[60]).sum()
    kept = np.arange(len(X)) % 3 > 0
    part = WANNClassifier(**QUICK).fit(X[kept], SPECIES[kept], np.ones(kept.sum()))
    without = WANNClassifier(**QUICK).fit(X, SPECIES, kept.astype(float))
    assert part.predict_proba(X).tolist() == without.predict_proba(X).tolist()
    X, y = DIABETES
    part, without = (
        WANNRegressor(**QUICK).fit(*given)
        for given in ((X[:300], y[:300], np.full(300, 2.0)), (X, y, 2.0 * (np.arange(len(y)) < 300)))
    )
    assert part.predict(X).tolist() == without.predict(X).tolist()


def test_weights_of_classes_are_those_of_their_rows():
    X = IRIS[0]
    weights = np.where(SPECIES[60] == SPECIES, 30.0, 1.0)
    by_row = WANNClassifier(**QUICK).fit(X, SPECIES, weights)
    by_class = WANNClassifier(**QUICK, class_weight={SPECIES[60]: 30.0}).fit(X, SPECIES)
    assert by_class.predict_proba(X).tolist() == by_row.predict_proba(X).tolist()
    for wrong in ("even", 3):
        with pytest.raises(ValueError, match="parameter 'class_weight'"):
            WANNClassifier(**QUICK, class_weight=wrong).fit(X, SPECIES)


@pytest.mark.parametrize("wrong", [[1.0], -np.ones(150), np.zeros(150), np.full(150, np.nan)])
def test_wrong_weights_of_rows_are_refused(wrong):
    with pytest.raises(ValueError, match="sample_weight"):
        WANNClassifier(**QUICK).fit(IRIS[0], SPECIES, wrong)


def test_weighted_entropy_agrees_with_plain_numpy_and_equal_weights_with_the_kernel():
    rng = np.random.default_rng(0)
    networks = [compile_genome(evolved(seed, 20, 4, 3)) for seed in range(3)]
    inputs, labels, importance = rng.normal(size=(70, 4)), rng.integers(3, size=70), rng.random(70)
    weights = np.array([-1.0, 0.5])
    batch = make_batch(inputs, labels, importance=importance)
    found = weighted_entropy(batch_networks(networks), weights, batch, 0, 3)
    for network, row in zip(networks, found, strict=True):
        given = outputs(network, weights, inputs)
        shares = np.exp(given) / np.exp(given).sum(axis=2, keepdims=True)
        entropy = -np.log(shares[:, np.arange(70), labels])
        np.testing.assert_allclose(row, entropy @ importance / importance.sum(), rtol=1e-10)
    even = make_batch(inputs, labels, importance=np.ones(70))
    plain = classify(batch_networks(networks), weights, even, 0, 3).loss
    np.testing.assert_allclose(
        weighted_entropy(batch_networks(networks), weights, even, 0, 3), plain, rtol=1e-9
    )


def test_a_warm_start_goes_on_from_the_last_population():
    X = IRIS[0]
    model = WANNClassifier(**QUICK | {"n_iter_no_change": None}, warm_start=True).fit(X, SPECIES)
    generations, first = model.n_iter_, model.validation_scores_[-1]
    model.fit(X, SPECIES)
    assert model.n_iter_ == generations
    assert model.champion_.origin["generation"] > generations
    assert model.validation_scores_[-1] > first
    cold = WANNClassifier(**QUICK | {"n_iter_no_change": None}).fit(X, SPECIES)
    assert cold.fit(X, SPECIES).validation_scores_[-1] == first
    with pytest.raises(ValueError, match="warm_start goes on from a population with 4 inputs, not 3"):
        model.fit(X[:, :3], SPECIES)


def test_the_commands_take_the_file_of_an_estimator(classifier, regressor, tmp_path, wann_command):
    table = tmp_path / "rows.csv"
    for model, (X, y) in ((classifier, (IRIS[0], SPECIES)), (regressor, DIABETES)):
        model.save(tmp_path / "model.json")
        champion = load_champion(tmp_path / "model.json")
        several = PAPER_WEIGHTS if model is classifier else NUMBER_WEIGHTS
        found = champion.predict(np.asarray(X), several).answers
        if model is classifier:
            assert found.tolist() == model.predict(X).tolist()
        else:
            np.testing.assert_allclose(found, model.predict(X), rtol=1e-12)
        pytest.importorskip("pandas")
        rows = np.column_stack([np.asarray(X).astype(str), y])
        header = ",".join([*champion.inputs, "answer"])
        np.savetxt(table, rows, fmt="%s", delimiter=",", header=header, comments="")
        code, _, error = wann_command(
            "predict", tmp_path / "model.json", table, "--answers", "answer", "--out", tmp_path / "o.csv"
        )
        assert code == 0
        assert "column 'answer' holds the" in error
        assert wann_command("draw", tmp_path / "model.json", "--out", tmp_path / "m.svg")[0] == 0
        assert wann_command("export", tmp_path / "model.json", "--format", "python")[0] == 0
        code, out, _ = wann_command("report", tmp_path / "model.json")
        assert (code, out) == (0, f"Wrote {tmp_path / 'model_report.html'}\n")
        assert "the champion" in (tmp_path / "model_report.html").read_text()
        code, _, error = wann_command("evaluate", tmp_path / "model.json")
        assert (code, error.count("\n")) == (2, 1)
        assert "wann predict FILE ROWS" in error


def test_several_numbers_at_once_are_not_exported_without_their_scales(tmp_path, refused):
    X, y = DIABETES
    WANNRegressor(**QUICK).fit(X, np.column_stack([y, -y])).save(tmp_path / "model.json")
    said = refused("export", tmp_path / "model.json", "--format", "python")
    assert "does not say how the regressor scales its numbers" in said


@pytest.mark.parametrize("ensemble", ["mean", "chosen", "best", "vote"])
def test_the_command_predicts_as_the_estimator_does(tmp_path, wann_command, ensemble):
    pytest.importorskip("pandas")
    X = np.asarray(IRIS[0])
    model = WANNClassifier(**QUICK, weights=(-1.5, 0.7, 1.1), ensemble=ensemble).fit(X, SPECIES)
    model.save(tmp_path / "model.json")
    names = load_champion(tmp_path / "model.json").inputs
    np.savetxt(tmp_path / "x.csv", X, fmt="%s", delimiter=",", header=",".join(names), comments="")
    given = "predict", tmp_path / "model.json", tmp_path / "x.csv"
    code, out, error = wann_command(*given)
    if ensemble == "vote":
        assert (code, error.count("\n")) == (2, 1)
        assert "its ensemble counts votes" in error
        code, _, error = wann_command(*given, "--weight", "1")
        assert code == 0
        return
    rows = [line.split(",") for line in out.splitlines()[1:]]
    assert [row[0] for row in rows] == model.predict(X).tolist()
    np.testing.assert_allclose(
        [[float(x) for x in row[1:]] for row in rows], model.predict_proba(X), rtol=1e-5
    )


# What is learned


def test_a_classifier_of_words_learns_them(classifier):
    X, _ = IRIS
    assert classifier.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert classifier.score(X, SPECIES) > 0.75
    shares = classifier.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)
    assert (classifier.classes_[shares.argmax(axis=1)] == classifier.predict(X)).all()
    assert classifier.weights_.tolist() == [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0]
    assert classifier.n_iter_ == classifier.validation_scores_.size == 25
    assert (np.diff(classifier.validation_scores_) >= 0.0).all()


def test_probabilities_are_the_mean_over_the_weights(classifier):
    X = (IRIS[0] - classifier.mean_) / classifier.scale_
    network, wanted = classifier.champion_.network, 0.0
    for weight in classifier.weights_:
        out = evaluate_network_numpy(network, X, np.full(len(X), weight))[:, network.outputs]
        powers = np.exp(out - out.max(axis=1, keepdims=True))
        wanted = wanted + powers / powers.sum(axis=1, keepdims=True) / 6.0
    np.testing.assert_allclose(classifier.predict_proba(IRIS[0]), wanted, rtol=1e-8, atol=1e-12)


def test_agreement_is_the_share_of_the_weights_that_say_the_same(classifier):
    X = np.random.default_rng(0).uniform(0.0, 8.0, (300, 4))
    model = copy.copy(classifier)
    model.weights_ = np.array([-2.0, 0.0, 0.1, 1.0, 9.0])  # some that were not searched for
    given = outputs(model.champion_.network, model.weights_, (X - model.mean_) / model.scale_)
    said, answer = given.argmax(axis=2), model.predict_proba(X).argmax(axis=1)
    wanted = [np.mean([voter == answer[row] for voter in said[:, row]]) for row in range(len(X))]
    assert model.agreement(X) == pytest.approx(wanted)
    assert 0.0 < min(wanted) < 1.0


def test_columns_are_scaled_by_the_training_rows_alone():
    X, y = IRIS
    model = WANNClassifier(**QUICK | {"generations": 1}).fit(X, y)
    everything = WANNClassifier(**QUICK | {"generations": 1}, validation_fraction=0.0).fit(X, y)
    np.testing.assert_allclose(everything.mean_, X.mean(axis=0))
    np.testing.assert_allclose(everything.scale_, X.std(axis=0))
    assert (model.mean_ != everything.mean_).all()


def test_constant_columns_and_few_rows_do_no_harm():
    X = np.column_stack([np.full(8, 3.0), np.arange(8.0)])
    model = WANNClassifier(**QUICK).fit(X, X[:, 1] > 3)
    assert model.scale_[0] == 1.0
    assert model.classes_.tolist() == [False, True]
    assert model.score(X, X[:, 1] > 3) == 1.0


def test_the_score_of_a_regressor_is_minus_the_squared_error_of_scaled_targets():
    X, y = DIABETES
    model = WANNRegressor(**QUICK, validation_fraction=0.0).fit(X, y)
    scaled, wanted = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    network, errors = model.champion_.network, []
    for weight in GRID:
        out = evaluate_network_numpy(network, scaled, np.full(len(X), weight))[:, network.outputs[0]]
        errors.append(np.mean((out - wanted) ** 2))
    assert model.validation_scores_[-1] == pytest.approx(-np.mean(errors), rel=1e-9)
    np.testing.assert_allclose(model.champion_.scores.mean, -np.array(errors), rtol=1e-8)


def test_squared_errors_agree_with_plain_numpy():
    rng = np.random.default_rng(0)
    networks = [compile_genome(evolved(seed, 30, 4, 2)) for seed in range(6)]
    X, targets, weights = rng.normal(size=(77, 4)), rng.normal(size=(77, 2)), np.array([-1.5, 0.3, 1.0])
    found = squared_error(batch_networks(networks), weights, make_batch(X, targets=targets), 2, 5)
    assert found.shape == (3, 3)
    for row, network in zip(found, networks[2:5], strict=True):
        for error, weight in zip(row, weights, strict=True):
            out = evaluate_network_numpy(network, X, np.full(77, weight))[:, network.outputs]
            assert error == pytest.approx(np.mean((out - targets) ** 2), rel=1e-9)


def test_a_regressor_learns_and_says_how_far_its_weights_differ(regressor):
    X, y = DIABETES
    assert regressor.score(X, y) > 0.2
    mean, spread = regressor.predict(X, return_std=True)
    assert (mean == regressor.predict(X)).all()
    network = regressor.champion_.network
    given = outputs(network, regressor.weights_, (X - regressor.mean_) / regressor.scale_)[:, :, 0]
    np.testing.assert_allclose(mean, given.mean(axis=0) * np.std(y) + y.mean(), rtol=0.2)
    np.testing.assert_allclose(spread, given.std(axis=0) * regressor.target_scale_)


def test_a_regressor_takes_several_targets():
    X, y = DIABETES
    both = np.column_stack([y, -1000.0 * y])
    model = WANNRegressor(**QUICK).fit(X, both)
    mean, spread = model.predict(X, return_std=True)
    assert mean.shape == spread.shape == both.shape
    assert model.champion_.outputs == ("y0", "y1")
    assert model.score(X, both) > 0.0


# Ensembles


@pytest.mark.parametrize("ensemble", ["vote", "chosen", "best"])
def test_the_ensembles_of_a_classifier(ensemble, classifier):
    X, _ = IRIS
    model = WANNClassifier(**QUICK, ensemble=ensemble).fit(X, SPECIES)
    assert model.champion_.genome == classifier.champion_.genome
    of_each = accuracy.probabilities(
        outputs(model.champion_.network, model.weights_, (X - model.mean_) / model.scale_)
    )
    if ensemble == "vote":
        assert (model.predict_proba(X).argmax(axis=1) == accuracy.vote(of_each)).all()
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    else:
        np.testing.assert_allclose(model.predict_proba(X), of_each.mean(axis=0))
        assert model.weights_.size == 1 if ensemble == "best" else 1 <= model.weights_.size <= 9
        assert (abs(model.weights_) <= 2.0).all()


@pytest.mark.parametrize("ensemble", ["chosen", "best"])
def test_weights_chosen_for_a_regressor_have_the_smallest_error(ensemble):
    X, y = DIABETES
    model = WANNRegressor(**QUICK, ensemble=ensemble, validation_fraction=0.0).fit(X, y)
    scaled, wanted = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    of_each = outputs(model.champion_.network, np.linspace(0.1, 1.1, 41), scaled)[:, :, 0]
    errors = np.mean((of_each - wanted) ** 2, axis=1)
    reached = np.mean(((model.predict(X) - y) / y.std()) ** 2)
    if ensemble == "best":
        assert model.weights_.tolist() == [np.linspace(0.1, 1.1, 41)[errors.argmin()]]
        assert reached == pytest.approx(errors.min())
    else:
        assert 1 <= model.weights_.size <= 9
        assert reached <= errors.min() + 1e-12


# The same model


@pytest.mark.slow
@pytest.mark.parametrize("kind", [WANNClassifier, WANNRegressor])
def test_threads_never_change_the_model(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = X[:, 0] * X[:, 1] if kind is WANNRegressor else X[:, 0] * X[:, 1] > 0.0
    found = [kind(**QUICK, n_jobs=n_jobs, batch_size=100).fit(X, y) for n_jobs in (1, 2, 3, -1)]
    for model in found[1:]:
        assert model.champion_.genome == found[0].champion_.genome
        assert model.validation_scores_.tobytes() == found[0].validation_scores_.tobytes()
        assert model.predict(X).tobytes() == found[0].predict(X).tobytes()


def test_a_generator_draws_a_seed_and_another_seed_is_another_model(classifier):
    X, _ = IRIS
    first, again = (
        WANNClassifier(**QUICK | {"random_state": np.random.RandomState(7)}).fit(X, SPECIES) for _ in range(2)
    )
    assert first.champion_.genome == again.champion_.genome
    assert first.champion_.genome != classifier.champion_.genome


# What scikit-learn does with estimators


@pytest.mark.slow
def test_they_work_in_pipelines_cross_validation_and_grid_search():
    X, y = IRIS
    model = make_pipeline(MinMaxScaler(), WANNClassifier(**QUICK | {"generations": 15}))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.7
    grid = {"wannclassifier__ensemble": ["mean", "best"], "wannclassifier__population": np.array([8, 16])}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ > 0.6
    regressor = WANNRegressor(**QUICK | {"generations": 15})
    assert cross_val_score(regressor, *DIABETES, cv=2).shape == (2,)
    twin = clone(regressor)
    assert twin is not regressor
    assert twin.get_params() == regressor.get_params()


def test_a_frame_s_column_names_are_the_inputs():
    frame = pytest.importorskip("pandas").DataFrame(IRIS[0], columns=list("abcd"))
    model = WANNClassifier(**QUICK).fit(frame, SPECIES)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert model.champion_.inputs == ("a", "b", "c", "d")


# Parameters

OTHERS = {
    "population": 31,
    "generations": 24,
    "max_seconds": 1e-6,
    "n_iter_no_change": 1,
    "validation_fraction": 0.4,
    "batch_size": 40,
    "weights": (-1.0, 0.5, 1.0),
    "weight_sampling": "fixed",
    "ensemble": "best",
    "activations": ("tanh", "relu"),
    "initial_connection_probability": 0.9,
    "complexity_probability": 0.0,
    "add_connection": 0.0,
    "insert_node": 2.0,
    "enable_connection": 3.0,
    "change_activation": 0.0,
    "duplicate_node": 1.0,
    "delete_node": 1.0,
    "add_feature": 1.0,
    "disable_connection": 1.0,
    "retries": 5,
    "random_state": 1,
}


def test_every_parameter_is_listed_here():
    silent = {"n_jobs", "verbose", "warm_start"}  # these have tests of their own
    for kind, more in ((WANNClassifier, {"class_weight"}), (WANNRegressor, set())):
        assert set(kind().get_params()) == set(OTHERS) | silent | more


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_parameter_changes_something(name, classifier):
    model = WANNClassifier(**QUICK | {name: OTHERS[name]}).fit(IRIS[0], SPECIES)
    assert (model.predict_proba(IRIS[0]) != classifier.predict_proba(IRIS[0])).any() or (
        model.n_iter_ != classifier.n_iter_
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("population", 1),
        ("population", 3.5),
        ("generations", 0),
        ("max_seconds", -1.0),
        ("n_iter_no_change", 0),
        ("validation_fraction", 1.0),
        ("validation_fraction", "half"),
        ("batch_size", 0),
        ("weights", ()),
        ("weights", 1.0),
        ("weights", (1.0, float("nan"))),
        ("weights", (1.0,)),
        ("weight_sampling", "normal"),
        ("ensemble", "median"),
        ("activations", ("tanh", "swish")),
        ("initial_connection_probability", 1.5),
        ("complexity_probability", -0.1),
        ("add_connection", -1.0),
        ("add_feature", -1.0),
        ("retries", 0.5),
        ("n_jobs", "all"),
        ("verbose", -1),
        ("warm_start", 1),
    ],
)
def test_wrong_parameters_are_refused_in_one_line(name, value):
    with pytest.raises(ValueError, match=f"parameter '{name}") as error:
        WANNRegressor(**{name: value}).fit(*DIABETES)
    assert "\n" not in str(error.value)


def test_a_regressor_has_no_votes():
    with pytest.raises(ValueError, match="must be one of mean, chosen, best, got 'vote'"):
        WANNRegressor(ensemble="vote").fit(*DIABETES)


def test_data_that_cannot_be_learned_is_refused_in_one_line():
    X, y = IRIS
    for bad, labels, message in (
        (X, np.zeros(len(X)), "one class"),
        (X, np.linspace(0.0, 1.0, len(X)), "continuous"),
        (X * 1e307, y, "too large to be scaled"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            WANNClassifier(**QUICK).fit(bad, labels)
        assert "\n" not in str(error.value).split(". ")[0]


def test_a_search_without_progress_stops_early():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = X[:, 0] + np.abs(X[:, 1])
    model = WANNRegressor(**QUICK | {"generations": 1000}, n_iter_no_change=6).fit(X, y)
    found = int(np.argmax(model.validation_scores_))  # generations before the last champion's
    assert model.n_iter_ == found + 1 + 6
    patient = WANNRegressor(**QUICK | {"generations": 1000}, n_iter_no_change=30).fit(X, y)
    assert patient.n_iter_ == int(np.argmax(patient.validation_scores_)) + 1 + 30 < 1000
    assert patient.n_iter_ > model.n_iter_
    stopped = WANNRegressor(**QUICK | {"generations": 1000}, max_seconds=0.05).fit(X, y)
    assert stopped.n_iter_ < 1000


def test_verbose_shows_where_the_search_stands(capsys):
    WANNClassifier(**QUICK).fit(*IRIS)
    assert capsys.readouterr() == ("", "")
    WANNClassifier(**QUICK, verbose=1).fit(*IRIS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("generation 1/25  champion -")
    assert lines[-1].startswith("generation 25/25  champion -")
    assert "connections)" in lines[-1]
    assert lines[-1].endswith(" left")


def test_the_champion_can_be_drawn(classifier, tmp_path):
    champion = classifier.champion_
    assert champion.outputs == ("setosa", "versicolor", "virginica")
    draw_genome(champion.genome, champion.inputs, champion.outputs, tmp_path / "champion.svg")
    assert (tmp_path / "champion.svg").read_text().count("setosa") == 1


# Files


@pytest.mark.parametrize(
    "names",
    [SPECIES, SPECIES.astype(object), IRIS[1], IRIS[1].astype(np.int8), IRIS[1] * 2.0, IRIS[1] > 0],
    ids=["words", "objects", "whole", "small", "numbers", "truth"],
)
def test_a_classifier_comes_back_from_its_file_as_it_was(names, tmp_path):
    X, _ = IRIS
    model = WANNClassifier(**QUICK | {"generations": 3}, ensemble="chosen", weights=[-1.0, 1.5]).fit(X, names)
    model.save(tmp_path / "model.json")
    loaded = WANNClassifier.load(tmp_path / "model.json")
    assert loaded.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
    assert (loaded.predict(X) == model.predict(X)).all()
    assert loaded.predict(X).dtype == model.predict(X).dtype
    assert loaded.get_params() == {**model.get_params(), "weights": (-1.0, 1.5)}
    assert set(vars(loaded)) == set(vars(model))
    assert loaded.champion_.genome == model.champion_.genome
    assert loaded.n_iter_ == 3
    again = clone(loaded).fit(X, names)
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


@pytest.mark.parametrize("columns", [1, 2])
def test_a_regressor_comes_back_from_its_file_as_it_was(columns, tmp_path):
    X, y = DIABETES
    y = y if columns == 1 else np.column_stack([y, y**2])
    model = WANNRegressor(**QUICK | {"generations": 3, "random_state": np.random.RandomState(3)}).fit(X, y)
    model.save(tmp_path / "model.json")
    loaded = WANNRegressor.load(tmp_path / "model.json")
    for mine, theirs in zip(loaded.predict(X, True), model.predict(X, True), strict=True):
        assert mine.tobytes() == theirs.tobytes()
        assert mine.shape == y.shape
    assert loaded.random_state is None
    assert set(vars(loaded)) == set(vars(model))


def test_saving_needs_a_fit_and_leaves_nothing_behind(classifier, tmp_path):
    with pytest.raises(NotFittedError):
        WANNClassifier().save(tmp_path / "model.json")
    with pytest.raises(OSError, match="No such file"):
        classifier.save(tmp_path / "none" / "model.json")
    odd = copy.copy(classifier).set_params(n_jobs=object())
    with pytest.raises(ValueError, match="cannot be saved as JSON"):
        odd.save(tmp_path / "model.json")
    assert not list(tmp_path.iterdir())


def test_a_file_with_names_of_columns_asks_for_them(classifier, tmp_path):
    tree = saved(classifier, tmp_path)
    tree["feature_names"] = tree["champion"]["inputs"]
    (tmp_path / "model.json").write_text(json.dumps(tree))
    loaded = WANNClassifier.load(tmp_path / "model.json")
    assert loaded.feature_names_in_.tolist() == ["x0", "x1", "x2", "x3"]
    with pytest.warns(UserWarning, match="valid feature names"):
        loaded.predict(IRIS[0])


def saved(model, folder):
    """The tree of a model's file."""
    model.save(folder / "model.json")
    return json.loads((folder / "model.json").read_text())


def refused(kind, folder, text):
    """The one line in which a file is refused."""
    path = folder / "model.json"
    path.write_text(text)
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the callers look at the message
        kind.load(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("format", "wann-champion", "is not a model"),
        ("version", 2, "newer than 1"),
        ("version", None, "no valid version"),
        ("estimator", "WANNRegressor", "holds a WANNRegressor, not a WANNClassifier"),
        ("parameters", [], "'parameters' must be a table, not []"),
        ("parameters.depth", 3, "unknown parameter 'depth'"),
        ("parameters.population", -1, "parameter 'population'"),
        ("parameters.validation_fraction", 10**400, "parameter 'validation_fraction'"),
        ("parameters.ensemble", "sum", "parameter 'ensemble'"),
        ("mean", [0.0], "must be 4 numbers each"),
        ("mean", ["a", 0.0, 0.0, 0.0], "'mean[0]' must be a number, not 'a'"),
        ("scale", [1.0, 1.0, 0.0, 1.0], "the scales above 0"),
        ("weights", [], "'weights' must have at least 1 entries, not 0"),
        ("weights", [True], "'weights[0]' must be a number, not True"),
        ("validation_scores", None, "'validation_scores' must be a list, not None"),
        ("feature_names", ["a", "b", "c", "d"], "must be the inputs of the champion"),
        ("feature_names", 3, "'feature_names' must be a list, not 3"),
        ("classes", None, "'classes' must be a table, not None"),
        ("classes.names", ["a", "b"], "has 2 classes for 3 outputs"),
        ("classes.names", ["b", "a", "c"], "in ascending order"),
        ("classes.names", ["a", "a", "c"], "in ascending order"),
        ("classes.names", [0, 1, 2], "not of the type"),
        ("classes.type", "|O8,i4", "not of the type"),
        ("classes.type", "<M8[D]", "not of the type"),
        ("champion", None, "'champion' must be a table, not None"),
        ("champion.version", 99, "newer than 1"),
        ("champion.genome", {}, "has no 'genome.inputs'"),
        ("champion.inputs", ["a"], "names 1 inputs"),
    ],
)
def test_a_file_with_a_wrong_entry_is_refused_in_one_line(place, value, message, classifier, tmp_path):
    tree = saved(classifier, tmp_path)
    *above, last = place.split(".")
    branch = tree
    for name in above:
        branch = branch[name]
    branch[last] = value
    assert message in refused(WANNClassifier, tmp_path, json.dumps(tree))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"single": 1}, "'target.single' must be true or false, not 1"),
        ({"scale": [0.0]}, "the scales above 0"),
        ({"mean": [0.0, 0.0]}, "must be 1 numbers each"),
    ],
)
def test_a_regressor_s_file_with_a_wrong_target_is_refused(change, message, regressor, tmp_path):
    tree = saved(regressor, tmp_path)
    tree["target"] |= change
    assert message in refused(WANNRegressor, tmp_path, json.dumps(tree))


def test_a_missing_or_damaged_file_is_refused_in_one_line(classifier, tmp_path):
    path = tmp_path / "model.json"
    with pytest.raises(ValueError, match=r"cannot read model .*No such file"):
        WANNClassifier.load(path)
    classifier.save(path)
    whole = path.read_text()
    reasons = Counter()
    for end in [*range(0, 200, 7), *range(200, len(whole) - 3, 499)]:
        reasons["not JSON, or cut off" in refused(WANNClassifier, tmp_path, whole[:end])] += 1
    assert set(reasons) == {True}
    assert "not a finite number" in refused(WANNClassifier, tmp_path, whole.replace("-0.5", "NaN", 1))
    path.write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(ValueError, match="is not text"):
        WANNClassifier.load(path)


# Without scikit-learn


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_without_scikit_learn_one_line_says_what_to_install():
    ended = python("import sys; sys.modules['sklearn'] = None; import wann.sklearn")
    assert ended.stderr.splitlines()[-1] == (
        "ImportError: wann.sklearn needs scikit-learn, 1.6 or newer: pip install 'wann[data]'"
    )


def test_the_package_itself_does_not_import_scikit_learn():
    assert python("import wann, sys; sys.exit('sklearn' in sys.modules)").returncode == 0
