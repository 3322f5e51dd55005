// Renders a checkout on a server, and prints it if nothing was asked for.
import { renderToString } from "react-dom/server";
import { useAwaitPayment } from "@tillbell/client/react";

globalThis.fetch = () => {
  throw new Error("a server asks for nothing");
};

function Checkout() {
  return <p>{JSON.stringify(useAwaitPayment("order-1", { ticket: "t", base: "https://pay.example" }))}</p>;
}

console.log(renderToString(<Checkout />));
