/* SPDX-License-Identifier: Apache-2.0 */
/* A hint to the compiler: what hardly ever runs takes no room where every request goes. */
#ifndef ENGINE_BASE_RARE_H
#define ENGINE_BASE_RARE_H

#ifdef __GNUC__
#define RARE __attribute__((noinline, cold))
#else
#define RARE
#endif

#endif
