/* Sixteen floats at a time: exp, activations, sums over rows. */
#pragma once
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

enum { PLAIN, RELU, GELU, GELU_TANH, SILU };

INLINE __mmask16 lanes(ptrdiff_t left) {
    return left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
}

/* Cephes' reduction to [-ln2/2, ln2/2] and polynomial: within two units in the last place. */
INLINE __m512 exp_of(__m512 x) {
    x = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(88.3f)), _mm512_set1_ps(-87.3f));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(1.9875691500e-4f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, n);
}

/* x times the logistic function of y. */
INLINE __m512 gated_by(__m512 x, __m512 y) {
    __m512 e = exp_of(_mm512_sub_ps(_mm512_setzero_ps(), y));
    return _mm512_div_ps(x, _mm512_add_ps(e, _mm512_set1_ps(1.0f)));
}

/* The error function by Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7. */
INLINE __m512 gelu(__m512 x) {
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 z = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.70710678f));
    __m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911f), one));
    __m512 p = _mm512_set1_ps(1.061405429f);
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-1.453152027f));
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(1.421413741f));
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.284496736f));
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.254829592f));
    __m512 tail = _mm512_mul_ps(_mm512_mul_ps(p, t), exp_of(_mm512_fnmadd_ps(z, z, _mm512_setzero_ps())));
    __m512 half = _mm512_mul_ps(_mm512_set1_ps(0.5f), _mm512_abs_ps(x));
    /* |x|/2 * erf + x/2, as erf is odd */
    return _mm512_fmadd_ps(half, _mm512_sub_ps(one, tail), _mm512_mul_ps(x, _mm512_set1_ps(0.5f)));
}

INLINE __m512 activate(int kind, __m512 x) {
    switch (kind) {
    case RELU: return _mm512_max_ps(x, _mm512_setzero_ps());
    case GELU: return gelu(x);
    case GELU_TANH: {
        __m512 cube = _mm512_mul_ps(_mm512_mul_ps(x, x), x);
        __m512 y = _mm512_fmadd_ps(cube, _mm512_set1_ps(0.044715f), x);
        return gated_by(x, _mm512_mul_ps(y, _mm512_set1_ps(1.5957691216f)));
    }
    case SILU: return gated_by(x, x);
    default: return x;
    }
}

INLINE __m256i to_bf16(__m512 x) { return (__m256i)_mm512_cvtneps_pbh(x); }

INLINE __m512 from_bf16(const uint16_t *at) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
