"""Ops beside the usual layers: gradients, linear algebra, transforms, sorting, segments, pictures, quantisation."""

from __future__ import annotations

from typing import Any

from cases import weights
from lazy import tf
from registry import WIDTH, around, around_v1, column, ids, words


def _square(m: Any) -> Any:
    m.w = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3)
    return m.w


@around()
def gradients_of_a_tape(m: Any) -> Any:
    """As attributions and adversarial examples have them."""
    w = _square(m)

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.nn.softmax(tf.tanh(x @ w)) ** 2)
        dx, dw = tape.gradient(y, [x, m.w])
        return x + dx * 5.0, {"norm": tf.norm(dw)}

    return step


@around()
def gradients_of_a_loop(m: Any) -> Any:
    w = _square(m)
    m.table = tf.Variable(weights(6, WIDTH, seed=5))

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            body = lambda i, v: (i + 1, tf.tanh(v @ w) + tf.gather(m.table, ids(x, 6)))  # noqa: E731
            y = tf.while_loop(lambda i, v: i < 3, body, (0, x))[1]
            y = tf.cond(y[0, 0] > 0.0, lambda: y * y, lambda: tf.sin(y))
        dx, table = tape.gradient(y, [x, m.table])
        return x + dx, {"table": tf.convert_to_tensor(table)}

    return step


@around()
def sum_of_three(m: Any) -> Any:
    w = _square(m)
    return lambda x: tf.clip_by_value(x @ w, -1.0, 1.0) + x + tf.tanh(x)


@around()
def batch_jacobian(m: Any) -> Any:
    w = _square(m)

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.tanh(x @ w)
        return x + tf.reduce_sum(tape.batch_jacobian(y, x), 1)

    return step


@around_v1()
def gradients_v1() -> Any:
    w = tf.compat.v1.get_variable("w", initializer=weights(WIDTH, WIDTH, seed=3) / 3, use_resource=True)

    def step(x: Any) -> Any:
        y = tf.tanh(x @ w) + tf.gather(w, ids(x, WIDTH))
        dx, dw = tf.compat.v1.gradients(y, [x, w])
        return x + dx, {"dw": tf.convert_to_tensor(dw)}

    return step


@around()
def linear_algebra(m: Any) -> Any:
    def step(x: Any) -> Any:
        positive = tf.matmul(x, x, transpose_a=True) / 9.0 + tf.eye(WIDTH)
        root = tf.linalg.cholesky(positive)
        solved = tf.linalg.triangular_solve(root, tf.transpose(x))
        inverse = tf.linalg.inv(positive)
        values = tf.linalg.eigvalsh(positive)
        return tf.transpose(solved) + x @ inverse, {"det": tf.linalg.det(positive), "values": values}

    return step


@around()
def decompositions(m: Any) -> Any:
    w = _square(m)

    def step(x: Any) -> Any:
        q, r = tf.linalg.qr(tf.matmul(x, x, transpose_a=True) + w)
        s = tf.linalg.svd(r + tf.eye(WIDTH), compute_uv=False)
        least = tf.linalg.lstsq(w + tf.eye(WIDTH) * 3.0, tf.transpose(x), fast=False)
        return x @ q + s, {"least": least, "log": tf.linalg.slogdet(w + tf.eye(WIDTH) * 3.0)[1]}

    return step


@around()
def bands_and_diagonals(m: Any) -> Any:
    def step(x: Any) -> Any:
        square = tf.linalg.band_part(tf.linalg.diag(x), 0, 2) + x[:, None, :]
        square = tf.linalg.set_diag(square, x * 2.0)
        return tf.linalg.diag_part(square) + tf.linalg.trace(square)[:, None], {"trace": tf.linalg.trace(square)}

    return step


@around()
def fourier_transforms(m: Any) -> Any:
    def step(x: Any) -> Any:
        spectrum = tf.signal.rfft(x)
        spectrum = spectrum * tf.complex(0.5, 1.0)
        y = tf.signal.irfft(spectrum)
        full = tf.signal.ifft(tf.signal.fft(tf.cast(x, tf.complex64)))
        return y + tf.math.real(full), {"spectrum": spectrum, "power": tf.abs(tf.signal.fft2d(full))}

    return step


@around()
def audio_features(m: Any) -> Any:
    def step(x: Any) -> Any:
        wave = tf.tile(x, [1, 8])
        frames = tf.abs(tf.signal.stft(wave, frame_length=16, frame_step=8))
        mel = tf.matmul(frames, tf.signal.linear_to_mel_weight_matrix(WIDTH, 9, 8000, 80.0, 3900.0))
        return tf.reduce_mean(tf.signal.mfccs_from_log_mel_spectrograms(tf.math.log(mel + 1e-3)), 1)

    return step


@around()
def sorting(m: Any) -> Any:
    def step(x: Any) -> Any:
        values, index = tf.math.top_k(x, 3)
        order = tf.argsort(x, direction="DESCENDING", stable=True)
        near = tf.searchsorted(tf.sort(x), x)
        y = tf.gather(x, order, batch_dims=1) + tf.reduce_sum(values, 1, keepdims=True)
        return y, {"index": index, "near": near, "in": tf.math.in_top_k(ids(x, WIDTH), x, 2)}

    return step


@around()
def dynamic_shapes(m: Any) -> Any:
    """Results as long as the data ask."""

    def step(x: Any) -> Any:
        where = tf.where(x > 0.3)
        picked = tf.boolean_mask(x, x > 0.3)
        unique, number, count = tf.unique_with_counts(ids(x, 3))
        parts = tf.dynamic_partition(x, ids(x, 2), 2)
        back = tf.dynamic_stitch(tf.dynamic_partition(tf.range(tf.shape(x)[0]), ids(x, 2), 2), parts)
        more = {"where": where, "picked": picked, "unique": unique, "number": number, "count": count}
        return back + tf.reduce_sum(picked), {**more, "diff": tf.raw_ops.ListDiff(x=ids(x, 9), y=ids(x, 3))[0]}

    return step


@around()
def segments(m: Any) -> Any:
    def step(x: Any) -> Any:
        numbers = tf.sort(ids(x, 3))
        total = tf.math.segment_sum(x, numbers)
        other = tf.math.unsorted_segment_max(x, ids(x, 3), 3)
        mean = tf.math.unsorted_segment_mean(x, ids(x, 3), 3)
        sparse = tf.sparse.segment_sum(x, tf.zeros_like(numbers), numbers)
        y = tf.gather(total, numbers) + tf.gather(mean, ids(x, 3)) + tf.gather(sparse, numbers)
        return y, {"max": tf.maximum(other, -9.0)}

    return step


@around()
def scattered_values(m: Any) -> Any:
    def step(x: Any) -> Any:
        at = ids(x, WIDTH)[:, None]
        table = tf.scatter_nd(at, x, [WIDTH, WIDTH])
        table = tf.tensor_scatter_nd_max(tf.tensor_scatter_nd_add(table, at, x), at, x * 0.5)
        cut = tf.tensor_scatter_nd_update(x, [[0, 1]], [5.0])
        return cut + tf.gather_nd(table, at), {"masked": tf.sequence_mask(ids(x, WIDTH), WIDTH)}

    return step


@around()
def slices_and_windows(m: Any) -> Any:
    def step(x: Any) -> Any:
        y = tf.reverse_sequence(x, ids(x, WIDTH), 1) + tf.roll(x, 2, 1) + tf.cumsum(x, 1, exclusive=True, reverse=True)
        y += tf.pad(x[:, 1:-1], [[0, 0], [1, 1]], "REFLECT") + tf.reverse(x, [1]) + tf.repeat(x[:, ::2], 2, 1)
        y += tf.strided_slice(x, [0, -1], [1000, -9], [1, -1]) + tf.slice(x, [0, 0], [-1, 8])
        windows = tf.signal.frame(x, 4, 2)
        return y, {"windows": windows, "space": tf.space_to_batch(x[:, :, None, None], [2, 1], [[0, 0], [0, 0]])}

    return step


@around()
def einsum(m: Any) -> Any:
    w = _square(m)

    def step(x: Any) -> Any:
        pairs = tf.einsum("bi,bj->bij", x, x)
        y = tf.einsum("bij,jk->bik", pairs, w)
        return tf.einsum("bii->bi", y) + tf.tensordot(x, w, [[1], [0]]), {"outer": tf.einsum("bi,cj->bcij", x, x)}

    return step


@around()
def special_functions(m: Any) -> Any:
    def step(x: Any) -> Any:
        p = tf.abs(x) + 0.5
        y = tf.math.lgamma(p) + tf.math.digamma(p) + tf.math.erf(x) + tf.math.igamma(p, p) + tf.math.zeta(p + 2.0, p)
        y += (
            tf.math.bessel_i0e(x)
            + tf.math.polygamma(1.0, p)
            + tf.math.atan2(x, p)
            + tf.math.expm1(x)
            + tf.math.log1p(p)
        )
        y += tf.math.floormod(x, 0.7) + tf.math.softsign(x) + tf.math.xlogy(x, p) + tf.math.ndtri(tf.sigmoid(x))
        return tf.clip_by_norm(y, 9.0, 1) + tf.math.round(x) + tf.math.rint(x * 3.0) + tf.math.nextafter(x, p)

    return step


@around()
def activations(m: Any) -> Any:
    def step(x: Any) -> Any:
        y = tf.nn.elu(x) + tf.nn.selu(x) + tf.nn.softplus(x) + tf.nn.silu(x) + tf.nn.gelu(x, approximate=True)
        y += tf.nn.leaky_relu(x, 0.1) + tf.nn.relu6(x * 9.0) + tf.nn.crelu(x)[:, 4:12] + tf.math.log_sigmoid(x)
        y += (
            tf.nn.log_softmax(x)
            + tf.nn.softmax(x, 0)
            + tf.math.l2_normalize(x, 1)
            + tf.math.reduce_logsumexp(x, 1, True)
        )
        return y + tf.nn.local_response_normalization(x[:, None, None, :])[:, 0, 0]

    return step


@around()
def bits_and_bins(m: Any) -> Any:
    def step(x: Any) -> Any:
        numbers = ids(x, 64)
        bits = tf.bitwise.bitwise_xor(tf.bitwise.left_shift(numbers, 2), 5) & 31
        bins = tf.histogram_fixed_width(x, [-2.0, 2.0], 6)
        bucket = tf.raw_ops.Bucketize(input=x, boundaries=[-1.0, 0.0, 0.5])
        return x * column(bits) + tf.cast(bucket, tf.float32), {
            "bins": bins,
            "count": tf.math.bincount(numbers % 7, minlength=7),
            "confusion": tf.math.confusion_matrix(numbers % 3, numbers % 2, 3),
        }

    return step


@around()
def fake_quantisation(m: Any) -> Any:
    m.low, m.high = tf.Variable(-3.0), tf.Variable(4.0)
    m.lows, m.highs = tf.Variable([-2.0] * WIDTH), tf.Variable([2.5] * WIDTH)

    def step(x: Any) -> Any:
        y = tf.quantization.fake_quant_with_min_max_vars(x, m.low, m.high)
        y += tf.quantization.fake_quant_with_min_max_vars_per_channel(x, m.lows, m.highs, narrow_range=True)
        return y + tf.quantization.fake_quant_with_min_max_args(x, -1.0, 1.0)

    return step


@around()
def quantised_and_back(m: Any) -> Any:
    w = _square(m)

    def step(x: Any) -> Any:
        y = tf.quantization.quantize_and_dequantize_v2(x, -3.0, 3.0, range_given=True)
        kernel = tf.quantization.quantize_and_dequantize_v2(w, -1.0, 1.0, range_given=True, narrow_range=True)
        return y @ kernel + tf.quantization.quantize_and_dequantize_v2(x, 0.0, 0.0)

    return step


@around()
def quantised_integers(m: Any) -> Any:
    """Tensors of 8 bits, as the ops of TensorFlow 1's quantised graphs."""

    def step(x: Any) -> Any:
        q = tf.quantization.quantize(x, -4.0, 4.0, tf.quint8)
        y = tf.quantization.dequantize(q.output, q.output_min, q.output_max)
        return y, {"bytes": tf.bitcast(q.output, tf.uint8)}

    return step


@around()
def resized_pictures(m: Any) -> Any:
    def step(x: Any) -> Any:
        picture = tf.reshape(x, [-1, 2, 4, 1])
        large = tf.image.resize(picture, [5, 6]) + tf.image.resize(picture, [5, 6], "nearest")
        large = tf.image.resize_with_pad(large, 8, 8) + tf.image.resize(picture, [8, 8], "bicubic")
        boxes = tf.constant([[0.1, 0.1, 0.9, 0.8], [0.0, 0.2, 1.0, 1.0]])
        crops = tf.image.crop_and_resize(large, boxes, [0, 0], [4, 4])
        small = tf.image.resize(large, [2, 4], "area")
        return tf.reshape(small, [-1, WIDTH]), {"crops": crops}

    return step


@around()
def coloured_pictures(m: Any) -> Any:
    def step(x: Any) -> Any:
        picture = tf.clip_by_value(tf.tile(tf.reshape(x, [-1, 2, 4, 1]), [1, 1, 1, 3]) * [1.0, 0.5, 0.2], 0.0, 1.0)
        picture = tf.image.adjust_contrast(tf.image.adjust_hue(picture, 0.1), 1.5)
        picture = tf.image.flip_left_right(tf.image.adjust_saturation(picture, 0.5))
        gray = tf.image.rgb_to_grayscale(tf.image.hsv_to_rgb(tf.image.rgb_to_hsv(picture)))
        edges = tf.image.sobel_edges(gray)
        return tf.reshape(gray, [-1, WIDTH]) + x, {
            "edges": edges,
            "patches": tf.image.extract_patches(gray, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID"),
        }

    return step


@around()
def detected_boxes(m: Any) -> Any:
    """Boxes without those that overlap."""

    def step(x: Any) -> Any:
        corners = tf.sort(tf.sigmoid(tf.reshape(x, [-1, 2, 2, 2])), 2)
        boxes = tf.reshape(corners, [-1, 4])
        scores = tf.reduce_mean(boxes, 1)
        kept = tf.image.non_max_suppression(boxes, scores, 3, 0.4)
        combined = tf.image.combined_non_max_suppression(boxes[None, :, None], scores[None, :, None], 2, 3)
        return x + tf.reduce_sum(tf.gather(scores, kept)), {"kept": kept, "best": combined.nmsed_boxes}

    return step


@around()
def decoded_sequences(m: Any) -> Any:
    """CTC, greedy and by beams."""

    def step(x: Any) -> Any:
        logits = tf.transpose(tf.reshape(tf.tile(x, [1, 4]), [-1, 8, 4]), [1, 0, 2])
        length = tf.fill(tf.shape(x)[:1], 8)
        (greedy,), score = tf.nn.ctc_greedy_decoder(logits, length)
        (beam,), logs = tf.nn.ctc_beam_search_decoder(logits, length, 4, 1)
        return x + score, {"greedy": tf.sparse.to_dense(greedy, -1), "beam": tf.sparse.to_dense(beam, -1), "logs": logs}

    return step


@around()
def integer_products(m: Any) -> Any:
    """Products and sums of integers beside those of floats."""

    def step(x: Any) -> Any:
        numbers = tf.cast(x * 3.0, tf.int32)
        square = tf.matmul(numbers, tf.reshape(tf.range(64) % 5, [8, 8]))
        large = tf.cast(numbers, tf.int64) * 3_000_000_000
        return tf.cast(square, tf.float32), {"large": large, "div": numbers // 2, "mod": tf.math.mod(large, 7)}

    return step


@around()
def complex_numbers(m: Any) -> Any:
    w = _square(m)

    def step(x: Any) -> Any:
        z = tf.complex(x, x[:, ::-1])
        z = tf.matmul(z, tf.complex(w, -w)) * tf.exp(tf.complex(0.0, 0.5))
        return tf.abs(z) + tf.math.angle(z) * 0.1, {"z": tf.math.conj(z), "imag": tf.math.imag(z)}

    return step


@around()
def words_of_best_rows(m: Any) -> Any:
    """argmax, and a comparison of strings."""

    def step(x: Any) -> Any:
        best, worst = tf.argmax(x, 1), tf.argmin(x, 1, output_type=tf.int32)
        same = tf.equal(words(x), tf.constant("cat"))
        return tf.one_hot(best, WIDTH) + tf.where(same, 1.0, 0.5)[:, None] * x, {"best": best, "worst": worst}

    return step
