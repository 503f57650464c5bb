/* SPDX-License-Identifier: Apache-2.0 */
/* Hints to the compiler, where it takes any. */
#ifndef AJP_COMPILER_H
#define AJP_COMPILER_H

#if defined(__GNUC__) && defined(__OPTIMIZE__)
#define INLINE        static inline __attribute__((always_inline))
#define OWN           static __attribute__((noinline)) /* keeps its callers' registers free */
#define RARELY(claim) __builtin_expect(claim, 0)
#else
#define INLINE        static inline
#define OWN           static
#define RARELY(claim) (claim)
#endif

#endif
