package standard_test

import (
	"testing"

	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/standard"
)

func TestAbout(t *testing.T) {
	callbacktest.About(t, standard.About, standard.New, standard.NewSigner, standard.Throwaway)
}
