/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 is kept, and compared, as IPv6 has it: ::ffff:a.b.c.d. */
#include "net/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96 };

static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

static bool bit_of(const uint8_t *bytes, unsigned at)
{
    return bytes[at / 8] >> (7 - at % 8) & 1;
}

static bool parse_length(const char *text, unsigned most, unsigned *out)
{
    char *end;
    unsigned long length = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || length > most)
        return false;
    *out = (unsigned)length;
    return true;
}

bool network_parse(const char *text, struct network *out)
{
    struct network network = {.bits = ADDRESS_BITS};
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "/");
    unsigned length, offset = 0;

    if (len >= sizeof(address))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(AF_INET, address, network.bytes + sizeof(mapped)) == 1) {
        memcpy(network.bytes, mapped, sizeof(mapped));
        offset = MAPPED_BITS;
    } else if (inet_pton(AF_INET6, address, network.bytes) != 1) {
        return false;
    }
    if (text[len] == '/') {
        if (!parse_length(text + len + 1, ADDRESS_BITS - offset, &length))
            return false;
        network.bits = (uint8_t)(length + offset);
    }
    for (unsigned i = network.bits; i < ADDRESS_BITS; i++)
        if (bit_of(network.bytes, i))
            return false;
    *out = network;
    return true;
}

void network_print(const struct network *network, char *out, size_t cap)
{
    bool four = network->bits >= MAPPED_BITS && memcmp(network->bytes, mapped, sizeof(mapped)) == 0;
    char address[INET6_ADDRSTRLEN] = "";

    if (four)
        inet_ntop(AF_INET, network->bytes + sizeof(mapped), address, sizeof(address));
    else
        inet_ntop(AF_INET6, network->bytes, address, sizeof(address));
    snprintf(out, cap, "%s/%u", address, (unsigned)network->bits - (four ? MAPPED_BITS : 0));
}

static bool holds(const struct network *network, const uint8_t *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (memcmp(network->bytes, address, whole) != 0)
        return false;
    return rest == 0 || ((network->bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool networks_hold_peer(const struct network_list *list, int fd)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);
    uint8_t address[ADDRESS_BITS / 8];

    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0)
        return false;
    if (peer.ss_family == AF_INET) {
        memcpy(address, mapped, sizeof(mapped));
        memcpy(address + sizeof(mapped), &((struct sockaddr_in *)&peer)->sin_addr, 4);
    } else if (peer.ss_family == AF_INET6) {
        memcpy(address, &((struct sockaddr_in6 *)&peer)->sin6_addr, sizeof(address));
    } else {
        return false;
    }
    for (size_t i = 0; i < list->count; i++)
        if (holds(&list->at[i], address))
            return true;
    return false;
}
