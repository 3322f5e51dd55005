package stripe

import "github.com/tillbell/tillbell/transport/money"

// units are those of the currencies whose amounts Stripe does not send in the minor units of ISO 4217. Source:
// docs.stripe.com/currencies, "Zero-decimal currencies" and "Special cases".
var units = money.Units{"ISK": 2, "UGX": 2, "MGA": 0}
