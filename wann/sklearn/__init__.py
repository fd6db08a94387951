"""Estimators of scikit-learn on the search: networks whose connections all share one weight, for tables.

model = WANNClassifier(random_state=0, verbose=1).fit(X, y)
model.predict_proba(X)
model.save("model.json")
WANNClassifier.load("model.json").predict(X)

In reading order:

    rows        weights of rows, validation, scaling
    estimator   parameters, search and file, which both share
    classifier  the classifier
    regressor   the regressor
"""

try:
    from sklearn.utils.validation import validate_data  # noqa: F401  there since 1.6
except ImportError:
    raise ImportError("wann.sklearn needs scikit-learn, 1.6 or newer: pip install 'wann[data]'") from None

from wann.sklearn.classifier import WANNClassifier
from wann.sklearn.regressor import WANNRegressor

__all__ = ["WANNClassifier", "WANNRegressor"]
