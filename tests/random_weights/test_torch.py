"""The methods on PyTorch: what is frozen stays, counts are right, gradients are those of the papers."""

import subprocess
import sys
from hashlib import sha256
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="the extra data is not installed")
pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'wann[torch]'")

import torch
from scipy.ndimage import convolve
from scipy.signal import correlate2d
from sklearn.base import clone
from sklearn.datasets import load_digits

from wann.random_weights import image_prior, supermask
from wann.random_weights.bench.method import Problem
from wann.random_weights.bench.methods_torch import IMAGE_PRIOR, METHODS
from wann.random_weights.dense import DenseNetwork
from wann.random_weights.edge_popup import HiddenSubnetwork, subset_mask
from wann.random_weights.image_prior import decibels, draw_samples, gaussian_filtered, noisy_samples, restore
from wann.random_weights.random_convolution import RandomConvolution
from wann.random_weights.supermask import CRITERIA, CriterionMask, LearnedMask, bernoulli_mask
from wann.random_weights.training import glorot, torch_generator
from wann.random_weights.transfer import Transfer, target_rows

VALUES, LABELS = load_digits(return_X_y=True)
X, Y = (VALUES[:600] / 16.0).astype(np.float32), LABELS[:600]
TEST_X, TEST_Y = (VALUES[600:900] / 16.0).astype(np.float32), LABELS[600:900]
SHAPE = (8, 8)
SMALL = {"hidden": (20, 15), "random_state": 0}
CONVOLUTIONAL = {"channels": (4, 6), "hidden": (12,), "shape": SHAPE, "random_state": 0}
DENSE_WEIGHTS = 64 * 20 + 20 * 15 + 15 * 10
CONVOLUTIONAL_WEIGHTS = 4 * 9 + 6 * 4 * 9 + 6 * 2 * 2 * 12 + 12 * 10


def digest(arrays):
    return sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


# Hidden subnetworks


def test_a_score_s_gradient_is_that_of_its_weight_times_the_weight():
    rng = np.random.default_rng(0)
    weight, x, wanted = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    scores = torch.tensor(rng.normal(size=(3, 4)), requires_grad=True)
    mask = subset_mask(scores, 0.5)
    output = torch.tensor(x) @ (torch.tensor(weight) * mask).T
    ((output - torch.tensor(wanted)) ** 2).sum().backward()
    used = np.abs(scores.detach().numpy()) >= np.sort(np.abs(scores.detach().numpy()).ravel())[6]
    assert (mask.detach().numpy() == used).all()
    incoming = 2.0 * (x @ (weight * used).T - wanted)  # of the loss, by each unit's input
    expected = (incoming.T @ x) * weight * np.sign(scores.detach().numpy())
    np.testing.assert_allclose(scores.grad.numpy(), expected, rtol=1e-12)
    assert (expected[~used] != 0.0).all()  # masked ones learn too


@given(st.integers(1, 60), st.floats(0.01, 1.0), st.integers(0, 100))
@settings(max_examples=50)
def test_a_subset_holds_the_largest_scores(count, kept, seed):
    scores = np.random.default_rng(seed).permutation(np.arange(1.0, count + 1)) * (-1.0) ** np.arange(count)
    mask = subset_mask(torch.tensor(scores), kept).numpy() > 0
    assert mask.sum() == round(kept * count)
    assert np.abs(scores[mask]).min(initial=np.inf) > np.abs(scores[~mask]).max(initial=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [SMALL, CONVOLUTIONAL], ids=["dense", "convolutional"])
def test_edge_popup_learns_and_leaves_the_weights_as_they_were(kind):
    before = HiddenSubnetwork(**kind, epochs=0).fit(X, Y)
    after = HiddenSubnetwork(**kind, epochs=8, batch_size=32).fit(X, Y)
    assert digest(after.weights_) == digest(before.weights_)
    assert digest(after.masks_) != digest(before.masks_)
    assert after.score(TEST_X, TEST_Y) > 0.6 > 0.3 > before.score(TEST_X, TEST_Y)
    total = DENSE_WEIGHTS if kind is SMALL else CONVOLUTIONAL_WEIGHTS
    assert after.trained_parameters == total
    assert after.stored_parameters == sum(mask.sum() for mask in after.masks_)
    assert after.stored_parameters == pytest.approx(total / 2, abs=3)


def test_its_ablations_train_nothing_or_the_weights():
    nothing = HiddenSubnetwork(**SMALL, learn="nothing").fit(X, Y)
    assert nothing.trained_parameters == 0
    assert digest(nothing.weights_) == digest(HiddenSubnetwork(**SMALL, epochs=0).fit(X, Y).weights_)
    whole = HiddenSubnetwork(**SMALL, learn="weights", kept=1.0, epochs=5).fit(X, Y)
    assert whole.trained_parameters == whole.stored_parameters == DENSE_WEIGHTS
    assert digest(whole.weights_) != digest(HiddenSubnetwork(**SMALL, kept=1.0, epochs=0).fit(X, Y).weights_)
    assert whole.score(TEST_X, TEST_Y) > 0.6


@pytest.mark.parametrize("kept", [0.25, 1.0])
def test_random_weights_are_scaled_for_the_share_that_is_used(kept):
    signed = HiddenSubnetwork(**SMALL, kept=kept, epochs=0).fit(X, Y)
    for weight, inputs in zip(signed.weights_, (64, 20, 15), strict=True):
        np.testing.assert_allclose(np.abs(weight), np.sqrt(2.0 / (kept * inputs)), rtol=1e-6)
        assert set(np.sign(weight).ravel()) == {-1.0, 1.0}
    normal = HiddenSubnetwork(random_state=0, hidden=(200,), weights="normal", kept=kept, epochs=0).fit(X, Y)
    assert normal.weights_[0].std() == pytest.approx(np.sqrt(2.0 / (kept * 64)), rel=0.05)


def test_answers_are_those_of_the_masked_network():
    model = HiddenSubnetwork(**SMALL, epochs=2).fit(X, Y)
    x = (TEST_X - X.mean()) / X.std()
    for depth, (weight, mask) in enumerate(zip(model.weights_, model.masks_, strict=True)):
        x = x @ (weight * mask).T
        x = np.maximum(x, 0.0) if depth < 2 else x
    np.testing.assert_allclose(model.decision_function(TEST_X), x, rtol=1e-4, atol=1e-4)
    assert (model.predict(TEST_X) == x.argmax(axis=1)).all()


# Supermasks


def test_the_scores_of_the_criteria():
    first, last = np.array([1.0, -2.0, 3.0, -1.0]), np.array([2.0, 1.0, 0.5, -3.0])
    expected = {
        "large-final": [2.0, 1.0, 0.5, 3.0],
        "magnitude-increase": [1.0, -1.0, -2.5, 2.0],
        "movement": [1.0, 3.0, 2.5, 2.0],
        "large-final-same-sign": [2.0, -np.inf, 0.5, 3.0],
    }
    assert set(CRITERIA) == {*expected, "random"}
    for criterion, scores in expected.items():
        assert supermask._scores(criterion, first, last, np.random.default_rng(0)).tolist() == scores


def test_masks_shrink_by_a_fifth_and_in_the_output_layer_by_a_tenth():
    scores = [np.random.default_rng(k).permutation(100).reshape(10, 10).astype(float) for k in range(2)]
    masks = [supermask._masks(scores, number) for number in range(4)]
    assert [[int(mask.sum()) for mask in own] for own in masks] == [[100, 100], [80, 90], [64, 81], [51, 73]]
    for fewer, more in zip(masks[1:], masks, strict=False):
        for a, b in zip(fewer, more, strict=True):
            assert (b | ~a).all()  # what is kept was kept before
    scores[0][0] = -np.inf
    assert not supermask._masks(scores, 0)[0][0].any()


@pytest.mark.parametrize("weights", ["initial", "signed"])
def test_a_criterion_s_mask_lies_over_weights_that_were_never_trained(weights):
    model = CriterionMask(**SMALL, weights=weights, epochs=30).fit(X, Y)
    untrained = DenseNetwork(**SMALL, epochs=0).fit(X, Y)
    for weight, first in zip(model.weights_, untrained.weights_, strict=True):
        expected = first if weights == "initial" else np.sign(first) * first.std()
        np.testing.assert_allclose(weight, expected, rtol=1e-6)
    assert model.trained_parameters == DENSE_WEIGHTS
    assert model.stored_parameters == sum(mask.sum() for mask in model.masks_)
    assert model.density_ == model.stored_parameters / DENSE_WEIGHTS
    chance = CriterionMask(**SMALL, criterion="random").fit(X, Y)
    assert chance.trained_parameters == 0
    assert model.score(TEST_X, TEST_Y) > chance.score(TEST_X, TEST_Y) + 0.2


def test_a_bernoulli_mask_is_drawn_by_its_probabilities_and_takes_their_gradient():
    logits = torch.tensor([-2.0, 0.0, 1.0]).repeat(4000, 1).requires_grad_()
    mask = bernoulli_mask(logits, torch_generator(np.random.default_rng(0)))
    assert set(np.unique(mask.detach().numpy())) == {0.0, 1.0}
    shares = 1.0 / (1.0 + np.exp([2.0, 0.0, -1.0]))
    np.testing.assert_allclose(mask.detach().numpy().mean(axis=0), shares, atol=0.03)
    factor = torch.arange(12000.0).reshape(4000, 3)
    (factor * mask).sum().backward()
    np.testing.assert_allclose(logits.grad.numpy(), factor.numpy() * shares * (1.0 - shares), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("rescale", [True, False])
def test_a_learned_mask_leaves_the_weights_as_they_were(rescale):
    before = LearnedMask(**SMALL, epochs=0, rescale=rescale).fit(X, Y)
    after = LearnedMask(**SMALL, epochs=40, batch_size=50, rescale=rescale).fit(X, Y)
    assert digest(after.weights_) == digest(before.weights_)
    assert all((share == 0.5).all() for share in before.probabilities_)
    for mask, share in zip(after.masks_, after.probabilities_, strict=True):
        assert (mask == (share > 0.5)).all()
    assert after.trained_parameters == DENSE_WEIGHTS
    assert after.score(TEST_X, TEST_Y) > 0.6
    sampled = after.sampled_scores(TEST_X, TEST_Y, masks=4)
    assert sampled.shape == (4,)
    assert sampled.std() > 0.0
    assert (sampled > 0.5).all()
    assert (sampled == after.sampled_scores(TEST_X, TEST_Y, masks=4)).all()


def test_glorot_s_weights_are_cut_and_have_his_deviation():
    weights = glorot(np.random.default_rng(0), (300, 200))
    deviation = np.sqrt(2.0 / 500)
    assert weights.std() == pytest.approx(deviation, rel=0.01)
    assert np.abs(weights).max() <= 2.0 * deviation / 0.879 < np.abs(weights).max() * 1.01


def test_a_dense_network_counts_its_biases():
    trained = DenseNetwork(**SMALL, epochs=20).fit(X, Y)
    assert trained.trained_parameters == trained.stored_parameters == DENSE_WEIGHTS + 45
    assert trained.score(TEST_X, TEST_Y) > 0.8
    assert DenseNetwork(**SMALL, epochs=0).fit(X, Y).trained_parameters == 0


# Random filters


def test_features_are_means_of_what_the_filters_see():
    model = RandomConvolution(shape=SHAPE, filters=5, size=3, pool=2, random_state=0).fit(X, Y)
    np.testing.assert_allclose((model.filters_**2).sum(axis=(1, 2, 3)), 1.0, rtol=1e-5)
    image = TEST_X[0].reshape(SHAPE)
    seen = [np.maximum(correlate2d(image, own[0], mode="valid"), 0.0) for own in model.filters_]
    expected = np.stack(seen).reshape(5, 3, 2, 3, 2).mean(axis=(2, 4)).ravel()
    np.testing.assert_allclose(model.features(TEST_X[:1])[0], expected, rtol=1e-4, atol=1e-6)
    assert model.trained_parameters == (45 + 1) * 10
    assert model.stored_parameters == model.trained_parameters + 45


def test_its_ablation_trains_the_filters():
    same = {"shape": SHAPE, "filters": 8, "size": 3, "pool": 2, "random_state": 0}
    random, trained = (
        RandomConvolution(**same, learn=learn, epochs=3).fit(X, Y) for learn in ("readout", "all")
    )
    assert np.abs(random.filters_ - trained.filters_).max() > 1e-3
    assert trained.trained_parameters == random.trained_parameters + 72 == trained.stored_parameters
    assert min(random.score(TEST_X, TEST_Y), trained.score(TEST_X, TEST_Y)) > 0.85


# Transfer


def transfer(**parameters):
    settings = {"shape": SHAPE, "hidden": (16,), "source_epochs": 3, "epochs": 6, "random_state": 0}
    return Transfer(**settings | parameters)


def layers_of(model):
    return digest(part for layer in model.layers_ for part in layer)


def test_imported_layers_are_frozen_and_see_no_target_class():
    model = transfer().fit(X, Y)
    assert layers_of(transfer(epochs=0).fit(X, Y)) == layers_of(model)
    changed = X.copy()
    changed[Y >= 5] = 1.0 - changed[Y >= 5]
    assert layers_of(transfer().fit(changed, Y)) == layers_of(model)
    assert layers_of(transfer(source_epochs=1).fit(X, Y)) != layers_of(model)
    random = transfer(layers="random").fit(X, Y)
    assert layers_of(random) == layers_of(transfer(source_epochs=0).fit(X, Y)) != layers_of(model)
    trained = transfer(layers="trained").fit(X, Y)
    assert layers_of(trained) != layers_of(random)
    head, layers = (32 * 2 * 2 + 1) * 16 + 17 * 5, (9 + 1) * 32 + (32 * 9 + 1) * 32
    assert model.trained_parameters == random.trained_parameters == head
    assert model.stored_parameters == trained.trained_parameters == head + layers


def test_only_the_second_half_of_the_classes_is_told_apart():
    model = transfer(source_epochs=6, epochs=20, batch_size=16).fit(X, Y)
    assert set(model.predict(TEST_X)) <= {5, 6, 7, 8, 9}
    rows = target_rows(TEST_Y, 10)
    assert (rows == (TEST_Y >= 5)).all()
    assert model.score(TEST_X[rows], TEST_Y[rows]) > 0.7


def test_a_head_of_few_rows_sees_so_many_of_each_class():
    model = transfer(per_class=7, hidden=())
    model.classes_ = np.arange(10)
    rows = model._target(Y, 5, 0)
    assert np.bincount(Y[rows], minlength=10).tolist() == [0] * 5 + [7] * 5
    changed = X.copy()
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    others = np.setdiff1d(np.flatnonzero(Y >= 5), model._target(Y, 5, seed))
    changed[others] = 0.0
    one, two = (transfer(per_class=7, hidden=()).fit(x, Y) for x in (X, changed))
    assert (one.decision_function(TEST_X) == two.decision_function(TEST_X)).all()


# The image prior


@pytest.fixture(scope="module")
def blurred():
    """A smooth image of 32 x 32 pixels, and the same with noise."""
    rng = np.random.default_rng(0)
    clean = np.tile(np.linspace(0.1, 0.9, 32)[:, None, None], (1, 32, 3))
    clean[8:24, 8:24] = (0.9, 0.3, 0.2)
    return clean, np.clip(clean + rng.normal(0.0, 0.1, clean.shape), 0.0, 1.0)


@pytest.mark.slow
def test_an_untrained_network_takes_noise_out_of_an_image(blurred):
    clean, noisy = blurred
    restored = restore(noisy, steps=150)
    assert restored.image.shape == clean.shape
    assert decibels(restored.image, clean) > decibels(noisy, clean) + 1.0
    last = restore(noisy, steps=3, learn="last")
    assert last.trained == 17 * 3
    assert last.stored == restored.stored > restored.trained == restored.stored - 16 * 32 * 32


@pytest.mark.slow
def test_a_fit_that_worsens_goes_back(blurred, monkeypatch):
    _, noisy = blurred
    usual = restore(noisy, steps=40)
    monkeypatch.setattr(image_prior, "_LOOK_BACK", 1)
    monkeypatch.setattr(image_prior, "_FALL", -1e9)  # each step but the first counts as worse
    back = restore(noisy, steps=40)
    assert decibels(back.image, noisy) < decibels(usual.image, noisy) - 0.5


def test_decibels_and_the_filter(blurred):
    _, noisy = blurred
    assert decibels(np.full((2, 2, 1), 0.5), np.full((2, 2, 1), 0.4)) == pytest.approx(20.0)
    kernel = np.outer([1, 2, 1], [1, 2, 1])[:, :, None] / 16.0
    np.testing.assert_allclose(gaussian_filtered(noisy), convolve(noisy, kernel, mode="nearest"), atol=1e-12)


def test_samples_are_drawn_before_and_after(tmp_path):
    samples = noisy_samples(0)
    assert [sample.name for sample in samples] == ["china", "flower"]
    for sample in samples:
        assert sample.clean.shape == (128, 128, 3)
        assert 20.0 < decibels(sample.noisy, sample.clean) < 22.0
        assert sample.gain(sample.filtered) > 3.0
        assert sample.gain(sample.noisy) == 0.0
    restored = [image_prior.Restored(sample.filtered, 1, 1) for sample in samples]
    draw_samples(samples, restored, tmp_path / "samples.png")
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")


# All of them

MODELS = {
    "popup": HiddenSubnetwork(**SMALL, epochs=1),
    "popup-convolutional": HiddenSubnetwork(**CONVOLUTIONAL, epochs=1),
    "criterion": CriterionMask(**SMALL, epochs=1),
    "learned": LearnedMask(**SMALL, epochs=1),
    "dense": DenseNetwork(**SMALL, epochs=1),
    "convolution": RandomConvolution(
        shape=SHAPE, filters=4, size=3, pool=2, learn="all", epochs=1, random_state=0
    ),
    "transfer": transfer(epochs=1, source_epochs=1),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_bits_on_any_threads(name):
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    answers = []
    try:
        for count, seed in ((1, 0), (2, 0), (1, 1)):
            torch.set_num_threads(count)
            model = clone(MODELS[name]).set_params(random_state=seed).fit(X, Y)
            answers.append(model.decision_function(TEST_X[:50]))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert (answers[0] == answers[1]).all()
    assert (answers[0] != answers[2]).any()
    assert (torch.random.get_rng_state() == state).all()


def test_the_same_seed_restores_the_same_image(blurred):
    state = torch.random.get_rng_state()
    one, same, other = (restore(blurred[1], steps=4, random_state=seed).image for seed in (3, 3, 4))
    assert (one == same).all()
    assert (one != other).any()
    assert (torch.random.get_rng_state() == state).all()


@pytest.mark.parametrize("name", MODELS)
def test_classes_may_be_words(name):
    words = np.array([f"digit {label}" for label in Y])
    model = clone(MODELS[name]).fit(X, words)
    assert set(model.predict(TEST_X[:20])) <= set(words)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (HiddenSubnetwork(kept=0.0), "kept must be above 0 and at most 1, got 0.0"),
        (HiddenSubnetwork(learn="all"), "learn must be one of scores, weights, nothing, got 'all'"),
        (HiddenSubnetwork(weights="uniform"), "weights must be one of signed, normal"),
        (HiddenSubnetwork(epochs=-1), "epochs must be at least 0 and batch_size at least 1, got -1 and 128"),
        (HiddenSubnetwork(channels=(4,)), r"shape must be the \(height, width\) of images of 64 pixels"),
        (
            HiddenSubnetwork(channels=(4,) * 4, shape=SHAPE),
            "4 convolutions need images of at least 10 pixels a side, not 8 x 8",
        ),
        (HiddenSubnetwork(hidden=(20, 0)), "hidden and channels must hold numbers from 1"),
        (
            HiddenSubnetwork(learn="weights", learning_rate=1e30),
            "the loss is no longer finite: choose a smaller learning_rate",
        ),
        (CriterionMask(criterion="size"), "criterion must be one of large-final-same-sign"),
        (CriterionMask(weights="normal"), "weights must be one of initial, signed"),
        (CriterionMask(validation_share=0.0), "validation_share must be above 0"),
        (LearnedMask(weights="normal"), "weights must be one of signed, initial"),
        (RandomConvolution(shape=SHAPE, size=6), "pooled by 4 need images of at least 9 pixels a side"),
        (
            RandomConvolution(shape=SHAPE, pool=0),
            "filters, size and pool must be at least 1, got 64, 5 and 0",
        ),
        (RandomConvolution(), r"shape must be the \(height, width\)"),
        (RandomConvolution(shape=SHAPE, learn="filters"), "learn must be one of readout, all"),
        (Transfer(shape=SHAPE, layers="other"), "layers must be one of imported, random, trained"),
        (Transfer(shape=SHAPE, per_class=0), "per_class must be at least 1, got 0"),
    ],
)
def test_a_wrong_parameter_is_refused_in_one_line(model, message):
    with pytest.raises(ValueError, match=message) as caught:
        model.fit(X[:50], Y[:50])
    assert "\n" not in str(caught.value)


def test_too_few_classes_or_a_wrong_image_are_refused():
    with pytest.raises(ValueError, match="transfer needs at least 4 classes"):
        Transfer(shape=SHAPE).fit(X[Y < 3], Y[Y < 3])
    for image in (np.zeros((32, 32)), np.zeros((20, 32, 3)), np.zeros((0, 8, 3))):
        with pytest.raises(ValueError, match="sides that are multiples of 8"):
            restore(image)
    with pytest.raises(ValueError, match="not a finite number"):
        restore(np.full((8, 8, 1), np.nan))
    with pytest.raises(ValueError, match="learn must be one of all, last"):
        restore(np.zeros((8, 8, 1)), learn="first")
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        restore(np.zeros((8, 8, 1)), steps=0)


# The rows of the comparison


def test_each_ablation_names_a_row():
    for rows in (METHODS, IMAGE_PRIOR):
        names = [method.name for method in rows]
        assert len(names) == len(set(names))
        assert {method.ablation_of for method in rows} - {None} <= set(names)
        gated = {method.name for method in rows if method.gate is not None}
        assert {method.ablation_of for method in rows} & gated


@pytest.mark.slow
@pytest.mark.parametrize("name", ["untrained-dense", "random-convolution", "few-shot-10-random"])
def test_rows_are_measured_on_the_digits(name):
    method = next(method for method in METHODS if method.name == name)
    outcome = method.measure(Problem("digits", X, Y, TEST_X, TEST_Y, 10, SHAPE), 0)
    lowest, highest = {"untrained-dense": (0.0, 0.4), "random-convolution": (0.9, 1.0)}.get(name, (0.4, 1.0))
    assert lowest <= outcome.score <= highest
    assert 0 <= outcome.trained <= outcome.stored
    assert outcome.seconds >= 0.0


def test_the_rows_are_listed_without_pytorch():
    code = "import sys, wann.random_weights.bench.methods_torch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_pytorch_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "wann.random_weights.training")
    with pytest.raises(ImportError, match=r"PyTorch is not installed: pip install 'wann\[torch\]'"):
        import_module("wann.random_weights.training")
