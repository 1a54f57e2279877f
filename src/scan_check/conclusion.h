/*
 * What a scan comes to, in a sentence: "22 hidden (as dropped), 8443 open".
 */
#ifndef TAP_SCAN_CHECK_CONCLUSION_H
#define TAP_SCAN_CHECK_CONCLUSION_H

#include <stdio.h>

#include "scan_check/results.h"

/* Of one target of the table, in lines of 80 columns at the most. */
void conclusion_write(FILE *out, const struct findings *f, size_t target);

#endif
