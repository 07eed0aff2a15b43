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

/* exp of what is not above 88.3, by Cephes' reduction to [-ln2/2, ln2/2] and polynomial: within two
 * units in the last place. */
INLINE __m512 exp_below(__m512 x) {
    x = _mm512_max_ps(x, _mm512_set1_ps(-87.3f));
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

INLINE __m512 exp_of(__m512 x) { return exp_below(_mm512_min_ps(x, _mm512_set1_ps(88.3f))); }

/* x times the logistic function of y. */
INLINE __m512 gated_by(__m512 x, __m512 y) {
    __m512 e = exp_of(_mm512_sub_ps(_mm512_setzero_ps(), y));
    return _mm512_div_ps(x, _mm512_add_ps(e, _mm512_set1_ps(1.0f)));
}

/* x times the normal distribution up to x, by a polynomial fitted to it between -4.5 and 4.5.
 *
 * Off by less than 6e-5, which is a hundredth of what the next product rounds away.
 */
INLINE __m512 gelu(__m512 x) {
    static const float factors[9] = {0.85851938f, -4.62811899f, 10.97013474f, -15.15822887f,
                                     13.69163513f, -8.61587811f, 3.93052530f, -1.33618867f,
                                     0.39871258f};
    const __m512 bound = _mm512_set1_ps(4.5f);
    __m512 z = _mm512_max_ps(_mm512_min_ps(x, bound), _mm512_sub_ps(_mm512_setzero_ps(), bound));
    __m512 u = _mm512_mul_ps(_mm512_mul_ps(z, z), _mm512_set1_ps(1.0f / 20.25f));
    __m512 p = _mm512_set1_ps(factors[0]);
#pragma GCC unroll 8
    for (int i = 1; i < 9; i++) p = _mm512_fmadd_ps(p, u, _mm512_set1_ps(factors[i]));
    return _mm512_mul_ps(x, _mm512_fmadd_ps(z, p, _mm512_set1_ps(0.5f)));
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
