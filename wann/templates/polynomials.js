// The activations, bit for bit those of wann/activations.py: the same polynomials, the same IEEE operations in
// the same order. Numbers of JavaScript are float64, and nothing is contracted or reordered.

const WHOLE = 6755399441055744.0; // 1.5 * 2**52: added to a float, it rounds it to a whole number in its low bits
const INVERSE_PI = 0.3183098861837907;
const LOG2_E = 1.4426950408889634;
const LIMIT = 500.0;

// One number and its bits, as two words.
const numberOfBits = new Float64Array(1);
const wordsOfBits = new Uint32Array(numberOfBits.buffer);
numberOfBits[0] = 1.0;
const HIGH = wordsOfBits[1] ? 1 : 0; // which word holds the sign and the exponent here
const LOW = 1 - HIGH;

/** sin(pi x). */
function sinPi(x) {
  const shifted = x + WHOLE;
  const r = x - (shifted - WHOLE);
  const z = r * r;
  const z2 = z * z;
  const low = (3.141592653589635 - 5.167712779987959 * z) + (2.550164035906745 - 0.5992644339357286 * z) * z2;
  const high = (0.08214479467064854 - 0.007364005472115722 * z) + 0.0004474920849077101 * z2;
  const value = (low + high * (z2 * z2)) * r;
  numberOfBits[0] = shifted;
  return wordsOfBits[LOW] & 1 ? -value : value;
}

/** 2**t, |t| at most 1000. */
function exp2(t) {
  const shifted = t + WHOLE;
  const f = t - (shifted - WHOLE);
  const f2 = f * f;
  const f4 = f2 * f2;
  const low = (1.0 + 0.6931471805599453 * f) + (0.2402265069581299 + 0.055504108664760424 * f) * f2;
  const middle = (0.009618129159402558 + 0.0013333558179044112 * f)
    + (0.00015403455852453838 + 1.525268684626772e-05 * f) * f2;
  const high = 1.3255224878668817e-06 + 1.0203121063391729e-07 * f;
  numberOfBits[0] = shifted; // its low bits, moved into the exponent, make 2**n
  wordsOfBits[HIGH] = (wordsOfBits[LOW] + 1023) << 20;
  wordsOfBits[LOW] = 0;
  return (low + (middle + high * f4) * f4) * numberOfBits[0];
}

// A NaN stays a NaN in both.
const atLeast = (x, low) => (low > x ? low : x);
const atMost = (x, high) => (x > high ? high : x);

const gaussian = (x) => exp2(atLeast(x * x * (-0.5 * LOG2_E), -LIMIT));
const tanh = (x) => 1.0 - 2.0 / (exp2(atMost(atLeast(x * (2.0 * LOG2_E), -LIMIT), LIMIT)) + 1.0);
const sigmoid = (x) => 1.0 / (1.0 + exp2(atMost(atLeast(x * -LOG2_E, -LIMIT), LIMIT)));

/** Apply the activation with this code. */
function activate(code, x) {
  switch (code) {
    case 1: return x;
    case 2: return x > 0.0 ? 1.0 : 0.0;
    case 3: return sinPi(x);
    case 4: return gaussian(x);
    case 5: return tanh(x);
    case 6: return sigmoid(x);
    case 7: return 0.0 - x;
    case 8: return Math.abs(x);
    case 9: return atLeast(x, 0.0);
    default: return sinPi(x + 0.5);
  }
}
