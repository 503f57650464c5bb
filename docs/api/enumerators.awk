# SPDX-License-Identifier: Apache-2.0
# Doxygen's input filter: the enumerators that an X table makes, spelled out with their comments.
/^    X\([A-Z_]+, -?[0-9]+, "/ {
    split($0, row, /[(,]/)
    split($0, text, /"/)
    rows[++count] = sprintf("    AJP_%s =%s, /**< %s */", row[2], row[3], text[2])
}
/^    AJP_STATUS_MAP\(AJP_STATUS_ENUM\)/ {
    for (i = 1; i <= count; i++) {
        print rows[i]
    }
    next
}
{ print }
