/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * All of libajp's headers. */
#ifndef AJP_AJP_H
#define AJP_AJP_H
#include <ajp/decode.h>
#include <ajp/encode.h>
#include <ajp/iov.h>
#include <ajp/route.h>
#include <ajp/session.h>
#endif
