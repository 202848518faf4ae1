package localcloud

import "net/http"

// profileQuotaCode is the quota "Maximum number of Studio user profiles allowed per account".
const profileQuotaCode = "L-AC46C40F"

// serviceQuotasService knows the one quota that the cloud enforces, and does not raise it.
func serviceQuotasService(*Cloud) service {
	return service{
		name: "servicequotas", target: "ServiceQuotasV20190624", version: "1.1",
		ops: map[string]operation{
			"GetServiceQuota": handle(nil, nil, getServiceQuota, "ServiceCode", "QuotaCode"),
		},
	}
}

type getServiceQuotaInput struct{ ServiceCode, QuotaCode string }

type serviceQuota struct {
	ServiceCode, QuotaCode, QuotaName, QuotaArn string
	Value                                       float64
	Unit                                        string
	Adjustable, GlobalQuota                     bool
}

type gotServiceQuota struct{ Quota serviceQuota }

func getServiceQuota(c *call, in *getServiceQuotaInput) (*gotServiceQuota, error) {
	if in.ServiceCode != "sagemaker" || in.QuotaCode != profileQuotaCode {
		return nil, errf(http.StatusBadRequest, "NoSuchResourceException", "The request failed because the specified quota %s does not exist.", in.QuotaCode)
	}
	return &gotServiceQuota{serviceQuota{
		ServiceCode: in.ServiceCode, QuotaCode: in.QuotaCode, QuotaName: "Maximum number of Studio user profiles allowed per account",
		QuotaArn: "arn:aws:servicequotas:" + c.region + ":" + c.account + ":sagemaker/" + profileQuotaCode,
		Value:    float64(c.cloud.profileQuota()), Unit: "None", Adjustable: true,
	}}, nil
}
