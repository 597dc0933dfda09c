/* SPDX-License-Identifier: MIT
 *
 * Block devices and loop devices: numbers and records of Linux x86-64 (linux/fs.h, linux/loop.h,
 * loop(4)).
 */
#pragma once

#include "lib/types.h"

#define BLKROSET         0x125du
#define BLKROGET         0x125eu
#define BLKRRPART        0x125fu
#define BLKGETSIZE       0x1260u
#define BLKFLSBUF        0x1261u
#define BLKRASET         0x1262u
#define BLKRAGET         0x1263u
#define BLKFRASET        0x1264u
#define BLKFRAGET        0x1265u
#define BLKSSZGET        0x1268u
#define BLKDISCARD       0x1277u
#define BLKIOMIN         0x1278u
#define BLKIOOPT         0x1279u
#define BLKALIGNOFF      0x127au
#define BLKPBSZGET       0x127bu
#define BLKDISCARDZEROES 0x127cu
#define BLKSECDISCARD    0x127du
#define BLKROTATIONAL    0x127eu
#define BLKZEROOUT       0x127fu
#define BLKBSZGET        0x80081270u
#define BLKBSZSET        0x40081271u
#define BLKGETSIZE64     0x80081272u

#define LOOP_SET_FD         0x4c00u
#define LOOP_CLR_FD         0x4c01u
#define LOOP_SET_STATUS     0x4c02u
#define LOOP_GET_STATUS     0x4c03u
#define LOOP_SET_STATUS64   0x4c04u
#define LOOP_GET_STATUS64   0x4c05u
#define LOOP_CHANGE_FD      0x4c06u
#define LOOP_SET_CAPACITY   0x4c07u
#define LOOP_SET_DIRECT_IO  0x4c08u
#define LOOP_SET_BLOCK_SIZE 0x4c09u
#define LOOP_CONFIGURE      0x4c0au
#define LOOP_CTL_ADD        0x4c80u
#define LOOP_CTL_REMOVE     0x4c81u
#define LOOP_CTL_GET_FREE   0x4c82u

#define LO_FLAGS_READ_ONLY 1u
#define LO_FLAGS_AUTOCLEAR 4u
#define LO_FLAGS_PARTSCAN  8u
#define LO_FLAGS_DIRECT_IO 16u

#define LO_NAME_SIZE 64
#define LO_KEY_SIZE  32

/* LOOP_SET_STATUS, LOOP_GET_STATUS. */
struct loop_info {
    s32 lo_number;
    u64 lo_device, lo_inode, lo_rdevice;
    s32 lo_offset, lo_encrypt_type, lo_encrypt_key_size;
    u32 lo_flags;
    char lo_name[LO_NAME_SIZE];
    u8 lo_encrypt_key[LO_KEY_SIZE];
    u64 lo_init[2];
    char reserved[8];
};

/* LOOP_SET_STATUS64, LOOP_GET_STATUS64. */
struct loop_info64 {
    u64 lo_device, lo_inode, lo_rdevice;
    u64 lo_offset, lo_sizelimit;
    u32 lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
    char lo_file_name[LO_NAME_SIZE];
    char lo_crypt_name[LO_NAME_SIZE];
    u8 lo_encrypt_key[LO_KEY_SIZE];
    u64 lo_init[2];
};

struct loop_config {
    u32 fd, block_size;
    struct loop_info64 info;
    u64 reserved[8];
};
