import { useEffect } from "preact/hooks";
import { texts } from "../../texts.ts";
import { now, tick } from "../clock.ts";
import { useSite } from "../context.ts";
import { Button } from "../parts/button.tsx";
import { CircleAlert, Clock, LoaderCircle, RotateCcw, WifiOff } from "../parts/icons.ts";

/** How the connection is, when it is not as it should be. */
export function ConnectionBanner() {
  const t = texts().connection;
  const site = useSite();
  const state = site.connection.value;
  const known = site.operator.value !== null;
  if (state.kind === "online") return <OnlineBanner />;
  return (
    <div class="banner-place" role="status">
      {state.kind === "connecting" && (
        <div class={known ? "banner banner-warn" : "banner"}>
          <LoaderCircle class="spin" aria-hidden="true" />
          <span>{t.connecting}</span>
        </div>
      )}
      {state.kind === "waiting" && (
        <div class="banner banner-warn">
          <WifiOff aria-hidden="true" />
          <span>{t.offline}</span>
          <NextAttempt until={state.until} />
          <Button kind="quiet" onClick={() => site.retryNow()}>
            {t.retryNow}
          </Button>
        </div>
      )}
      {state.kind === "closed" && (
        <div class="banner banner-danger">
          <CircleAlert aria-hidden="true" />
          <span>
            {t.closed} {state.reason}
          </span>
          <Button kind="quiet" onClick={() => location.reload()}>
            {t.reload}
          </Button>
        </div>
      )}
    </div>
  );
}

/** What there is to know although the connection stands. */
function OnlineBanner() {
  const t = texts().connection;
  const site = useSite();
  return (
    <div class="banner-place" role="status">
      {site.degraded.value && (
        <div class="banner">
          <Clock aria-hidden="true" />
          <span>{t.degraded}</span>
        </div>
      )}
      {site.lost.value && (
        <div class="banner banner-warn">
          <RotateCcw aria-hidden="true" />
          <span>{t.lost}</span>
          <Button kind="quiet" onClick={() => site.dismissLost()}>
            {texts().refused.dismiss}
          </Button>
        </div>
      )}
    </div>
  );
}

function NextAttempt({ until }: { until: number }) {
  useEffect(tick, []);
  const seconds = Math.max(0, Math.ceil((until - now.value) / 1000));
  return (
    <span class="ticking muted" aria-hidden="true">
      {texts().connection.retryIn(seconds)}
    </span>
  );
}
