/*
 * puppet_hold.c - a tariff that keeps the funds itself.
 */
#define PUPPET_HOLD
#include "puppet_price.c"
