import type { Device } from "@vigie/client";
import { texts } from "../../texts.ts";
import { Monitor, MonitorSmartphone, Smartphone, Tablet } from "./icons.ts";

const ICONS = { mobile: Smartphone, tablet: Tablet, desktop: Monitor, unknown: MonitorSmartphone };

/** What kind of device, as a picture with a name. */
export function DeviceIcon({ device }: { device: Device }) {
  const Icon = ICONS[device] ?? MonitorSmartphone;
  const name = texts().devices[device] ?? texts().devices.unknown;
  return (
    <span class="icon" role="img" aria-label={name} title={name}>
      <Icon aria-hidden="true" />
    </span>
  );
}
