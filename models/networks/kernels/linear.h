/* Products of int8 rows with packed weights, and what stands between two of them.
 *
 * Weights are stored as unsigned bytes around 128 in panels of 64 outputs:
 * [outputs / 64][inputs / 4][64][4], so that one VPDPBUSD multiplies four inputs of
 * sixteen outputs. Rows are signed bytes with a scale of their own; `sum` takes the 128 back out.
 * Inputs and outputs are padded to multiples of 64 with zeros.
 */
#pragma once
#include "vectors.h"
#include <string.h>

#define PANEL 64
#define MOST_ROWS 4 /* by 4 vectors in registers; of 5 and more gcc keeps some in memory */

typedef struct {
    const uint8_t *weights;
    const float *scales; /* of each output */
    const float *bias;   /* or NULL */
    int64_t outputs, inputs;
} Linear;

typedef struct {
    const float *weight; /* NULL: no norm */
    const float *bias;   /* NULL: root mean square norm */
    double eps;
} Norm;

typedef struct {
    int8_t *bytes; /* (rows, inputs) */
    float *scales;
    int32_t *sums;
} Rows;

INLINE Rows rows_from(Rows all, ptrdiff_t row, ptrdiff_t inputs) {
    return (Rows){all.bytes + row * inputs, all.scales + row, all.sums + row};
}

INLINE int32_t four_bytes(const void *at) {
    int32_t value;
    memcpy(&value, at, 4);
    return value;
}

/* What is multiplied next, to be fetched into the second-level cache meanwhile. */
typedef struct {
    const uint8_t *at;
    ptrdiff_t step; /* bytes for every four inputs */
} Ahead;

/* acc (rows, 64) = rows . panel, in 32-bit integers, for a constant number of rows; for every four
 * inputs a constant number of cache lines is fetched ahead. */
INLINE void dot_bytes(const int rows, const int8_t *a, ptrdiff_t stride, const uint8_t *panel,
                      ptrdiff_t groups, const int lines, Ahead ahead,
                      __m512i acc[MOST_ROWS][4]) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) acc[r][c] = _mm512_setzero_si512();
    for (ptrdiff_t g = 0; g < groups; g++) {
        __m512i b[4];
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) b[c] = _mm512_loadu_si512(panel + g * 256 + c * 64);
#pragma GCC unroll 4
        for (int i = 0; i < lines; i++)
            _mm_prefetch((const char *)ahead.at + g * ahead.step + i * 64, _MM_HINT_T1);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            __m512i x = _mm512_set1_epi32(four_bytes(a + r * stride + g * 4));
#pragma GCC unroll 4
            for (int c = 0; c < 4; c++) acc[r][c] = _mm512_dpbusd_epi32(acc[r][c], b[c], x);
        }
    }
}

INLINE void linear_tile(const int rows, Rows a, const Linear *linear, ptrdiff_t panel,
                        const int lines, Ahead ahead, float *out, ptrdiff_t stride) {
    __m512i acc[MOST_ROWS][4];
    const ptrdiff_t at = panel * PANEL;
    dot_bytes(rows, a.bytes, linear->inputs, linear->weights + at * linear->inputs,
              linear->inputs / 4, lines, ahead, acc);
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) {
        __m512 scale = _mm512_loadu_ps(linear->scales + at + 16 * c);
        __m512 bias = linear->bias ? _mm512_loadu_ps(linear->bias + at + 16 * c) : _mm512_setzero_ps();
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            __m512i exact = _mm512_sub_epi32(acc[r][c], _mm512_set1_epi32(128 * a.sums[r]));
            __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(exact), _mm512_set1_ps(a.scales[r]));
            _mm512_storeu_ps(out + r * stride + 16 * c, _mm512_fmadd_ps(y, scale, bias));
        }
    }
}

INLINE void activate_rows(const int kind, float *out, ptrdiff_t rows, ptrdiff_t stride) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (int c = 0; c < PANEL; c += 16)
            _mm512_storeu_ps(out + r * stride + c, activate(kind, _mm512_loadu_ps(out + r * stride + c)));
}

INLINE const uint8_t *panel_of(const Linear *linear, ptrdiff_t panel) {
    return linear->weights + panel * PANEL * linear->inputs;
}

/* out (rows, 64) of one panel, `stride` floats from row to row; `next` is multiplied after it.
 *
 * A panel is far larger than the first-level cache and is read once for each tile of rows. It
 * comes from memory only once, spread over the tiles of the panel before it. */
static __attribute__((noinline)) void multiply_panel(Rows a, ptrdiff_t rows, const Linear *linear,
                                                     ptrdiff_t panel, const uint8_t *next,
                                                     float *out, ptrdiff_t stride) {
    const ptrdiff_t tiles = (rows + MOST_ROWS - 1) / MOST_ROWS;
    const ptrdiff_t step = PANEL * 4 / tiles;
    for (ptrdiff_t tile = 0; tile < tiles; tile++) {
        ptrdiff_t first = rows * tile / tiles, count = rows * (tile + 1) / tiles - first;
        Rows part = rows_from(a, first, linear->inputs);
        float *to = out + first * stride;
        Ahead ahead = {next + tile * linear->inputs / 4 * step, step};
        switch (count) {
        case 1: linear_tile(1, part, linear, panel, 4, ahead, to, stride); break;
        case 2: linear_tile(2, part, linear, panel, 4, ahead, to, stride); break;
        case 3: linear_tile(3, part, linear, panel, 2, ahead, to, stride); break;
        default:
            if (tiles < 4)
                linear_tile(4, part, linear, panel, 2, ahead, to, stride);
            else
                linear_tile(4, part, linear, panel, 1, ahead, to, stride);
        }
    }
}

static void linear_panel(Rows a, ptrdiff_t rows, const Linear *linear, ptrdiff_t panel,
                         const uint8_t *next, int activation, float *out, ptrdiff_t stride) {
    multiply_panel(a, rows, linear, panel, next, out, stride);
    /* Apart from the products, which need all registers. */
    switch (activation) {
    case RELU: activate_rows(RELU, out, rows, stride); break;
    case GELU: activate_rows(GELU, out, rows, stride); break;
    case GELU_TANH: activate_rows(GELU_TANH, out, rows, stride); break;
    case SILU: activate_rows(SILU, out, rows, stride); break;
    default: break;
    }
}

/* One row to signed bytes; `count` is a multiple of 16, the rest up to `inputs` is zero. */
static void quantise(const float *x, ptrdiff_t count, ptrdiff_t inputs, Rows to) {
    __m512 most = _mm512_setzero_ps();
    for (ptrdiff_t i = 0; i < count; i += 16)
        most = _mm512_max_ps(most, _mm512_abs_ps(_mm512_loadu_ps(x + i)));
    float largest = fmaxf(_mm512_reduce_max_ps(most), 1e-12f);
    __m512 factor = _mm512_set1_ps(127.0f / largest);
    __m512i sum = _mm512_setzero_si512();
    for (ptrdiff_t i = 0; i < count; i += 16) {
        __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), factor));
        sum = _mm512_add_epi32(sum, q);
        _mm_storeu_si128((__m128i *)(to.bytes + i), _mm512_cvtsepi32_epi8(q));
    }
    memset(to.bytes + count, 0, (size_t)(inputs - count));
    *to.scales = largest / 127.0f;
    *to.sums = _mm512_reduce_add_epi32(sum);
}

/* y = norm(x) over `width` values; y may be x. */
static void normalise(const float *x, ptrdiff_t width, const Norm *norm, float *y) {
    __m512 mean = _mm512_setzero_ps(), square = _mm512_setzero_ps();
    if (norm->bias) {
        for (ptrdiff_t i = 0; i < width; i += 16) mean = _mm512_add_ps(mean, _mm512_loadu_ps(x + i));
        mean = _mm512_set1_ps(_mm512_reduce_add_ps(mean) / (float)width);
    }
    for (ptrdiff_t i = 0; i < width; i += 16) {
        __m512 d = _mm512_sub_ps(_mm512_loadu_ps(x + i), mean);
        square = _mm512_fmadd_ps(d, d, square);
    }
    float variance = _mm512_reduce_add_ps(square) / (float)width;
    __m512 factor = _mm512_set1_ps(1.0f / sqrtf(variance + (float)norm->eps));
    for (ptrdiff_t i = 0; i < width; i += 16) {
        __m512 d = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(x + i), mean), factor);
        __m512 bias = norm->bias ? _mm512_loadu_ps(norm->bias + i) : _mm512_setzero_ps();
        _mm512_storeu_ps(y + i, _mm512_fmadd_ps(d, _mm512_loadu_ps(norm->weight + i), bias));
    }
}

/* x += change, then x = keep(x); what the next product reads is read(x) as bytes. */
static void finish_row(float *x, const float *change, ptrdiff_t width, ptrdiff_t inputs,
                       const Norm *keep, const Norm *read, float *spare, Rows to) {
    if (change)
        for (ptrdiff_t i = 0; i < width; i += 16)
            _mm512_storeu_ps(x + i, _mm512_add_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(change + i)));
    if (keep && keep->weight) normalise(x, width, keep, x);
    const float *seen = x;
    if (read && read->weight) {
        normalise(x, width, read, spare);
        seen = spare;
    }
    quantise(seen, width, inputs, to);
}

/* Weights (outputs, inputs) in fp32 to panels; both counts already padded. */
void pack_linear(const float *weights, int64_t outputs, int64_t inputs, uint8_t *packed,
                 float *scales) {
    for (int64_t n = 0; n < outputs; n++) {
        float largest = 1e-12f;
        for (int64_t k = 0; k < inputs; k++) largest = fmaxf(largest, fabsf(weights[n * inputs + k]));
        scales[n] = largest / 127.0f;
        uint8_t *panel = packed + n / PANEL * PANEL * inputs + n % PANEL * 4;
        for (int64_t k = 0; k < inputs; k++)
            panel[k / 4 * 256 + k % 4] = (uint8_t)(lrintf(weights[n * inputs + k] / scales[n]) + 128);
    }
}
