/* Attention of one head. Heads are 64 wide, narrower ones padded with zeros. */
#pragma once
#include "linear.h"

#define HEAD 64

/* What stands in front of softmax: bias by distance (T5), or none. */
typedef struct {
    const float *values; /* (heads, span), NULL: none */
    int64_t span, zero;  /* distance d (key place minus query place) lies at d + zero */
} Bias;

INLINE const float *bias_of(const Bias *bias, ptrdiff_t head, ptrdiff_t query) {
    return bias->values ? bias->values + head * bias->span + bias->zero - query : NULL;
}

static float largest_of(const float *scores, ptrdiff_t count) {
    __m512 most = _mm512_set1_ps(-INFINITY);
    for (ptrdiff_t i = 0; i < count; i += 16)
        most = _mm512_mask_max_ps(most, lanes(count - i), most, _mm512_loadu_ps(scores + i));
    return _mm512_reduce_max_ps(most);
}

/* exp(scores - largest) in place, zeros up to `padded`; their sum. */
static float exponentials(float *scores, ptrdiff_t count, ptrdiff_t padded) {
    const __m512 most = _mm512_set1_ps(largest_of(scores, count));
    __m512 sum = _mm512_setzero_ps();
    for (ptrdiff_t i = 0; i < padded; i += 16) {
        __m512 e = exp_below(_mm512_sub_ps(_mm512_loadu_ps(scores + i), most));
        e = _mm512_maskz_mov_ps(i < count ? lanes(count - i) : 0, e);
        sum = _mm512_add_ps(sum, e);
        _mm512_storeu_ps(scores + i, e);
    }
    return _mm512_reduce_add_ps(sum);
}

/* ---- The encoder: an article against itself, in bf16 ---- */

/* acc (rows, 64) = rows . panel in bf16 pairs, summed in fp32. */
INLINE void dot_pairs(const int rows, const uint16_t *a, ptrdiff_t stride, const uint16_t *panel,
                      ptrdiff_t pairs, __m512 acc[MOST_ROWS][4]) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) acc[r][c] = _mm512_setzero_ps();
    for (ptrdiff_t g = 0; g < pairs; g++) {
        __m512bh b[4];
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) b[c] = (__m512bh)_mm512_loadu_si512(panel + g * 128 + c * 32);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32(four_bytes(a + r * stride + g * 2));
#pragma GCC unroll 4
            for (int c = 0; c < 4; c++) acc[r][c] = _mm512_dpbf16_ps(acc[r][c], b[c], x);
        }
    }
}

/* Keys (length, 64) to panels of 64 places: [place / 64][32][64][2]. */
static void pack_keys(const uint16_t *keys, ptrdiff_t stride, ptrdiff_t length, uint16_t *packed) {
    const __m512i rows = _mm512_mullo_epi32(
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
        _mm512_set1_epi32((int)stride));
    for (ptrdiff_t at = 0; at < (length + 63) / 64 * 64; at += 16) {
        uint16_t *to = packed + at / 64 * 4096 + at % 64 * 2;
        __mmask16 there = at < length ? lanes(length - at) : 0;
        for (ptrdiff_t pair = 0; pair < 32; pair++)
            _mm512_storeu_si512(to + pair * 128,
                                _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), there, rows,
                                                            keys + at * stride + pair * 2, 2));
    }
}

/* Values (length, 64) to pairs of places: [place / 2][64][2]. */
static void pack_values(const uint16_t *values, ptrdiff_t stride, ptrdiff_t length,
                        uint16_t *packed) {
    for (ptrdiff_t at = 0; at < (length + 1) / 2 * 2; at += 2)
        for (ptrdiff_t d = 0; d < 64; d += 16) {
            const uint16_t *from = values + at * stride + d;
            __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from));
            __m512i high = _mm512_setzero_si512();
            if (at + 1 < length)
                high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(from + stride)));
            _mm512_storeu_si512(packed + at * 64 + d * 2,
                                _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
        }
}

typedef struct {
    uint16_t *keys, *values, *weights;
    float *scores;
} EncoderSpace;

/* exp(scores - largest) in bf16, zeros up to `padded`; what makes their sum one. */
INLINE __m512 weigh(const float *scores, ptrdiff_t count, ptrdiff_t padded, __m512 largest,
                    uint16_t *weights) {
    const __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
    __m512 sum = _mm512_setzero_ps();
    for (ptrdiff_t i = 0; i < padded; i += 16) {
        __m512 e = exp_below(_mm512_sub_ps(_mm512_loadu_ps(scores + i), most));
        e = _mm512_maskz_mov_ps(i < count ? lanes(count - i) : 0, e);
        sum = _mm512_add_ps(sum, e);
        _mm256_storeu_si256((__m256i *)(weights + i), to_bf16(e));
    }
    return _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(sum));
}

INLINE void attend_tile(const int rows, const uint16_t *queries, ptrdiff_t stride, ptrdiff_t length,
                        const float *bias, EncoderSpace space, float *out, ptrdiff_t out_stride) {
    const ptrdiff_t padded = (length + 63) / 64 * 64;
    __m512 acc[MOST_ROWS][4], largest[MOST_ROWS];
    for (int r = 0; r < rows; r++) largest[r] = _mm512_set1_ps(-INFINITY);
    for (ptrdiff_t at = 0; at < padded; at += 64) {
        dot_pairs(rows, queries, stride, space.keys + at * 64, HEAD / 2, acc);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (int c = 0; c < 4; c++) {
                ptrdiff_t place = at + 16 * c;
                const __mmask16 there = place < length ? lanes(length - place) : 0;
                if (bias)
                    acc[r][c] =
                        _mm512_add_ps(acc[r][c], _mm512_maskz_loadu_ps(there, bias + place - r));
                largest[r] = _mm512_mask_max_ps(largest[r], there, largest[r], acc[r][c]);
                _mm512_storeu_ps(space.scores + r * padded + place, acc[r][c]);
            }
    }
    __m512 factors[MOST_ROWS];
    for (int r = 0; r < rows; r++)
        factors[r] = weigh(space.scores + r * padded, length, padded, largest[r],
                           space.weights + r * padded);
    dot_pairs(rows, space.weights, padded, space.values, (length + 1) / 2, acc);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            _mm512_storeu_ps(out + r * out_stride + 16 * c, _mm512_mul_ps(acc[r][c], factors[r]));
}

/* out (length, 64) of one head; qkv rows hold queries, keys and values `inner` apart. */
static void attend_article(const uint16_t *qkv, ptrdiff_t inner, ptrdiff_t length, ptrdiff_t head,
                           const Bias *bias, EncoderSpace space, float *out) {
    const ptrdiff_t stride = 3 * inner;
    pack_keys(qkv + inner, stride, length, space.keys);
    pack_values(qkv + 2 * inner, stride, length, space.values);
    for (ptrdiff_t at = 0; at < length; at += MOST_ROWS) {
        const uint16_t *q = qkv + at * stride;
        const float *b = bias_of(bias, head, at);
        float *to = out + at * inner;
        switch (length - at) {
        case 1: attend_tile(1, q, stride, length, b, space, to, inner); break;
        case 2: attend_tile(2, q, stride, length, b, space, to, inner); break;
        case 3: attend_tile(3, q, stride, length, b, space, to, inner); break;
        default: attend_tile(4, q, stride, length, b, space, to, inner); break;
        }
    }
}

/* ---- The decoder: a few queries against an article's memory, in int8 ---- */

/* One head's memory of an article: bytes around 128, a scale for each place. */
typedef struct {
    uint8_t *keys;   /* [place / 64][16][64][4] */
    uint8_t *values; /* [place / 4][64][4] */
    float *key_scales, *value_scales;
} Memory;

/* Take up keys and values (rows, 64 each, `stride` floats apart) of places from `first` on. */
static void memorise(const float *keys, const float *values, ptrdiff_t stride, ptrdiff_t first,
                     ptrdiff_t rows, Memory memory) {
    int8_t bytes[HEAD];
    int32_t sum;
    for (ptrdiff_t r = 0; r < rows; r++) {
        ptrdiff_t place = first + r;
        quantise(keys + r * stride, HEAD, HEAD, (Rows){bytes, memory.key_scales + place, &sum});
        uint8_t *key = memory.keys + place / 64 * 4096 + place % 64 * 4;
        for (int d = 0; d < HEAD; d++) key[d / 4 * 256 + d % 4] = (uint8_t)(bytes[d] + 128);
        quantise(values + r * stride, HEAD, HEAD, (Rows){bytes, memory.value_scales + place, &sum});
        uint8_t *value = memory.values + place / 4 * 256 + place % 4;
        for (int d = 0; d < HEAD; d++) value[d * 4] = (uint8_t)(bytes[d] + 128);
    }
}

/* Weights from 0 on as two signed bytes, 128 * high + low, so that fourteen bits are kept. */
static float split(const float *weights, ptrdiff_t count, int8_t *high, int8_t *low, int32_t sums[2]) {
    const float largest = fmaxf(largest_of(weights, count), 1e-30f);
    const __m512 factor = _mm512_set1_ps(16256.0f / largest);
    __m512i highs = _mm512_setzero_si512(), lows = _mm512_setzero_si512();
    for (ptrdiff_t i = 0; i < count; i += 16) {
        __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(weights + i), factor));
        __m512i h = _mm512_srli_epi32(q, 7), l = _mm512_and_si512(q, _mm512_set1_epi32(127));
        highs = _mm512_add_epi32(highs, h);
        lows = _mm512_add_epi32(lows, l);
        _mm_storeu_si128((__m128i *)(high + i), _mm512_cvtepi32_epi8(h));
        _mm_storeu_si128((__m128i *)(low + i), _mm512_cvtepi32_epi8(l));
    }
    sums[0] = 128 * _mm512_reduce_add_epi32(highs);
    sums[1] = 128 * _mm512_reduce_add_epi32(lows);
    return largest / 16256.0f;
}

typedef struct {
    float *scores;  /* (2, places) */
    int8_t *digits; /* (4, places) */
} DecoderSpace;

INLINE void recall_tile(const int rows, const float *queries, ptrdiff_t stride, ptrdiff_t length,
                        Memory memory, DecoderSpace space, float *out, ptrdiff_t out_stride) {
    const ptrdiff_t padded = (length + 63) / 64 * 64;
    int8_t bytes[2 * HEAD];
    float scales[4];
    int32_t sums[4];
    for (int r = 0; r < rows; r++)
        quantise(queries + r * stride, HEAD, HEAD, (Rows){bytes + r * HEAD, scales + r, sums + r});
    for (ptrdiff_t at = 0; at < padded; at += 64) {
        __m512i acc[MOST_ROWS][4];
        dot_bytes(rows, bytes, HEAD, memory.keys + at * HEAD, HEAD / 4, 0, (Ahead){0}, acc);
#pragma GCC unroll 2
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (int c = 0; c < 4; c++) {
                __m512i exact = _mm512_sub_epi32(acc[r][c], _mm512_set1_epi32(128 * sums[r]));
                __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(exact), _mm512_set1_ps(scales[r]));
                __m512 scale = _mm512_loadu_ps(memory.key_scales + at + 16 * c);
                _mm512_storeu_ps(space.scores + r * padded + at + 16 * c, _mm512_mul_ps(y, scale));
            }
    }
    float factors[2];
    for (int r = 0; r < rows; r++) {
        float *weights = space.scores + r * padded;
        factors[r] = 1.0f / exponentials(weights, length, padded);
        for (ptrdiff_t i = 0; i < padded; i += 16)
            _mm512_storeu_ps(weights + i, _mm512_mul_ps(_mm512_loadu_ps(weights + i),
                                                        _mm512_loadu_ps(memory.value_scales + i)));
        int8_t *high = space.digits + 2 * r * padded;
        factors[r] *= split(weights, padded, high, high + padded, sums + 2 * r);
    }
    __m512i acc[MOST_ROWS][4];
    dot_bytes(2 * rows, space.digits, padded, memory.values, (length + 3) / 4, 0, (Ahead){0}, acc);
#pragma GCC unroll 2
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) {
            __m512 high = _mm512_cvtepi32_ps(
                _mm512_sub_epi32(acc[2 * r][c], _mm512_set1_epi32(sums[2 * r])));
            __m512 low = _mm512_cvtepi32_ps(
                _mm512_sub_epi32(acc[2 * r + 1][c], _mm512_set1_epi32(sums[2 * r + 1])));
            __m512 y = _mm512_fmadd_ps(high, _mm512_set1_ps(128.0f), low);
            _mm512_storeu_ps(out + r * out_stride + 16 * c,
                             _mm512_mul_ps(y, _mm512_set1_ps(factors[r])));
        }
}

/* out (rows, 64) of one head for the rows of one article. */
static void recall(const float *queries, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t length,
                   Memory memory, DecoderSpace space, float *out, ptrdiff_t out_stride) {
    for (ptrdiff_t r = 0; r + 1 < rows; r += 2)
        recall_tile(2, queries + r * stride, stride, length, memory, space, out + r * out_stride,
                    out_stride);
    if (rows % 2)
        recall_tile(1, queries + (rows - 1) * stride, stride, length, memory, space,
                    out + (rows - 1) * out_stride, out_stride);
}

/* ---- The decoder's own past, in bf16 ---- */

typedef struct {
    uint16_t *keys, *values; /* (places, rows, inner) */
    const int32_t *origins;  /* (places): in which row each place of this row's past stands */
    ptrdiff_t place_stride, row_stride;
} Past;

static void look_back(const float *query, ptrdiff_t count, Past past, const float *bias, float *scores,
                      float *out) {
    __m512 q[4], acc[4];
    for (int c = 0; c < 4; c++) q[c] = _mm512_loadu_ps(query + 16 * c);
    for (ptrdiff_t p = 0; p < count; p++) {
        const uint16_t *key = past.keys + p * past.place_stride + past.origins[p] * past.row_stride;
        for (int c = 0; c < 4; c++) acc[c] = _mm512_mul_ps(q[c], from_bf16(key + 16 * c));
        acc[0] = _mm512_add_ps(_mm512_add_ps(acc[0], acc[1]), _mm512_add_ps(acc[2], acc[3]));
        scores[p] = _mm512_reduce_add_ps(acc[0]) + (bias ? bias[p] : 0.0f);
    }
    float factor = 1.0f / exponentials(scores, count, (count + 15) / 16 * 16);
    for (int c = 0; c < 4; c++) acc[c] = _mm512_setzero_ps();
    for (ptrdiff_t p = 0; p < count; p++) {
        const uint16_t *value = past.values + p * past.place_stride + past.origins[p] * past.row_stride;
        __m512 weight = _mm512_set1_ps(scores[p]);
        for (int c = 0; c < 4; c++) acc[c] = _mm512_fmadd_ps(weight, from_bf16(value + 16 * c), acc[c]);
    }
    for (int c = 0; c < 4; c++)
        _mm512_storeu_ps(out + 16 * c, _mm512_mul_ps(acc[c], _mm512_set1_ps(factor)));
}
