/* SPDX-License-Identifier: MIT
 *
 * USB hubs.
 */
#pragma once

#include "lib/types.h"

struct usb_device;
struct usb_function;

int must_check hub_attach(struct usb_device *dev, const struct usb_function *f);
void hub_service(struct usb_device *dev);
