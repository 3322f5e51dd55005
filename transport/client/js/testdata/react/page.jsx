// A checkout in React that keeps what it renders and is told, in `renders` and `told`. `show` renders it with properties,
// or takes it away; `committed` is the listener of the last rendering that counts.
import { StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { useAwaitPayment } from "@tillbell/client/react";

window.renders = [];
window.told = [];

function Checkout({ payment, ticket, listener }) {
  const { snapshot, outcome, error } = useAwaitPayment(payment, {
    ticket, base: new URL("/", location.href), onEvent: (event) => told.push(listener + " " + event.data.status),
  });
  useEffect(() => {
    window.committed = listener;
  });
  renders.push({ asked: payment, got: [snapshot, outcome].flatMap((known) => known?.payment ?? []) });
  return <p>{[snapshot?.status, outcome?.code, error?.code].map(String).join(" ")}</p>;
}

const root = createRoot(document.getElementById("root"));
window.show = (properties) => root.render(<StrictMode>{properties && <Checkout {...properties} />}</StrictMode>);
window.shown = () => document.querySelector("p")?.textContent;
