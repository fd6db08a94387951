// From what is drawn on the pad to a network's inputs, as the data sets' own images came about.

const INK = 0.5; // share of a cell that makes it black, where a bitmap is wanted

/** Rows and columns that ink touches; null where there is none. */
function inkBox(ink, side) {
  let top = side, bottom = -1, left = side, right = -1;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      if (ink[row * side + column] < 0.1) continue;
      top = Math.min(top, row);
      bottom = Math.max(bottom, row);
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
  }
  return bottom < 0 ? null : { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** Mean ink of a rectangle whose corners need not be whole; what lies outside is empty. */
function meanInk(ink, side, top, left, height, width) {
  let total = 0;
  for (let row = Math.max(Math.floor(top), 0); row < Math.min(top + height, side); row++) {
    const high = Math.min(row + 1, top + height) - Math.max(row, top);
    for (let column = Math.max(Math.floor(left), 0); column < Math.min(left + width, side); column++) {
      total += ink[row * side + column] * high * (Math.min(column + 1, left + width) - Math.max(column, left));
    }
  }
  return total / (height * width);
}

/** An image of some rows and columns: each pixel is the mean of its part of a rectangle of the pad. */
function scaled(ink, side, { top, left, height, width }, rows, columns) {
  const image = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      image[row * columns + column] = meanInk(ink, side, top + (row * height) / rows,
        left + (column * width) / columns, height / rows, width / columns);
    }
  }
  return image;
}

/** The digits of scikit-learn: a bitmap of 32 x 32 that the digit fills, blacks counted in blocks of 4 x 4. */
function likeDigits(ink, side) {
  const result = new Float64Array(64);
  const box = inkBox(ink, side);
  if (!box) return result;
  const long = Math.max(box.height, box.width);
  const square = {
    top: box.top - (long - box.height) / 2, left: box.left - (long - box.width) / 2, height: long, width: long,
  };
  scaled(ink, side, square, 32, 32).forEach((share, place) => {
    if (share >= INK) result[8 * Math.floor(place / 128) + Math.floor((place % 32) / 4)] += 1 / 16;
  });
  return result;
}

/** MNIST: the digit in a box of 20 x 20, its centre of mass in the middle of 28 x 28; whole grey levels. */
function likeMnist(ink, side) {
  const levels = new Float64Array(28 * 28);
  const box = inkBox(ink, side);
  if (!box) return levels;
  const scale = 20 / Math.max(box.height, box.width);
  const rows = Math.max(1, Math.round(box.height * scale)), columns = Math.max(1, Math.round(box.width * scale));
  const small = scaled(ink, side, box, rows, columns);
  let mass = 0, down = 0, across = 0;
  small.forEach((value, place) => {
    mass += value;
    down += value * Math.floor(place / columns);
    across += value * (place % columns);
  });
  const shift = (centre, size) => Math.min(Math.max(Math.round(13.5 - centre), 0), 28 - size);
  const top = shift(down / mass, rows), left = shift(across / mass, columns);
  small.forEach((value, place) => {
    const row = top + Math.floor(place / columns), column = left + (place % columns);
    levels[28 * row + column] = Math.round(255 * Math.min(value, 1));
  });
  return levels;
}

/** Grey levels of 28 x 28 at 16 x 16 pixels, their slant undone, in 256ths of a level: wann.tasks.mnist.deskew. */
function deskew(levels) {
  const side = 16, small = new Float64Array(side * side);
  const corners = Array.from({ length: side }, (_, place) => {
    const at = ((place + 0.5) * 28) / side - 0.5;
    const low = Math.floor(at);
    return [Math.max(low, 0), Math.min(low + 1, 27), at - low];
  });
  corners.forEach(([top, bottom, down], row) => corners.forEach(([left, right, across], column) => {
    const mix = (line) => levels[28 * line + left] * (1 - across) + levels[28 * line + right] * across;
    small[side * row + column] = mix(top) * (1 - down) + mix(bottom) * down;
  }));
  let mass = 0, meanX = 0, meanY = 0;
  small.forEach((value, place) => {
    mass += value;
    meanX += value * (place % side);
    meanY += value * Math.floor(place / side);
  });
  let mu11 = 0, mu02 = 0;
  small.forEach((value, place) => {
    const dx = (place % side) - meanX / mass, dy = Math.floor(place / side) - meanY / mass;
    mu11 += value * dx * dy;
    mu02 += value * dy * dy;
  });
  const slant = mass > 0 && Math.abs(mu02) >= 0.01 * 255 ? mu11 / mu02 : 0;
  return small.map((_, place) => {
    const row = Math.floor(place / side), at = (place % side) + slant * row - 0.5 * side * slant;
    const low = Math.floor(at);
    const pixel = (column) => (column >= 0 && column < side ? small[side * row + column] : 0);
    return Math.round(256 * (pixel(low) * (1 - (at - low)) + pixel(low + 1) * (at - low)));
  });
}

/** Ways from the pad to inputs between 0 and 1, by the name of the data set. */
const PREPARED = {
  digits: likeDigits,
  mnist28: (ink, side) => likeMnist(ink, side).map((level) => level / 255),
  mnist: (ink, side) => deskew(likeMnist(ink, side)).map((part) => part / (255 * 256)),
};
