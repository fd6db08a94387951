// The activations of wann: the same IEEE operations in the same order as its kernels, so the same bits.

const WHOLE = 6755399441055744; // 1.5 * 2**52: added to a float, it rounds it to a whole number in its low bits
const LOG2_E = 1.4426950408889634;
const LIMIT = 500; // no exponent goes beyond it: nothing overflows
const BITS = new DataView(new ArrayBuffer(8));

function lowBits(shifted) {
  BITS.setFloat64(0, shifted);
  return BITS.getUint32(4);
}

function atLeast(x, low) {
  return low > x ? low : x; // a NaN stays a NaN
}

function atMost(x, high) {
  return x > high ? high : x;
}

function sinPi(x) {
  const shifted = x + WHOLE;
  const r = x - (shifted - WHOLE);
  const z = r * r;
  const z2 = z * z;
  const low = (3.141592653589635 - 5.167712779987959 * z) + (2.550164035906745 - 0.5992644339357286 * z) * z2;
  const high = (0.08214479467064854 - 0.007364005472115722 * z) + 0.0004474920849077101 * z2;
  const value = (low + high * (z2 * z2)) * r;
  return lowBits(shifted) & 1 ? -value : value;
}

function exp2(t) {
  const shifted = t + WHOLE;
  const f = t - (shifted - WHOLE);
  const f2 = f * f;
  const f4 = f2 * f2;
  const low = (1 + 0.6931471805599453 * f) + (0.2402265069581299 + 0.055504108664760424 * f) * f2;
  const middle =
    (0.009618129159402558 + 0.0013333558179044112 * f) +
    (0.00015403455852453838 + 1.525268684626772e-5 * f) * f2;
  const high = 1.3255224878668817e-6 + 1.0203121063391729e-7 * f;
  BITS.setUint32(0, (lowBits(shifted) + 1023) << 20); // the whole number becomes the exponent
  BITS.setUint32(4, 0);
  return (low + (middle + high * f4) * f4) * BITS.getFloat64(0);
}

const ACTIVATIONS = {
  linear: (x) => x,
  step: (x) => (x > 0 ? 1 : 0),
  sin: sinPi,
  gaussian: (x) => exp2(atLeast(x * x * (-0.5 * LOG2_E), -LIMIT)),
  tanh: (x) => 1 - 2 / (exp2(atMost(atLeast(x * (2 * LOG2_E), -LIMIT), LIMIT)) + 1),
  sigmoid: (x) => 1 / (1 + exp2(atMost(atLeast(x * -LOG2_E, -LIMIT), LIMIT))),
  inverse: (x) => 0 - x,
  abs: Math.abs,
  relu: (x) => atLeast(x, 0),
  cos: (x) => sinPi(x + 0.5),
};
