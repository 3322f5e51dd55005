package ticket

// IsPlain reports whether the ticket is verified without go-jose, its claims included.
func (k *Keys) IsPlain(token string) bool {
	payload, plain, _ := k.hs256.desks.Get().(*desk).open(token, k.isNamed)
	if plain {
		_, plain = plainClaims(payload)
	}
	return plain
}
