"""Domain: the custom domain of an environment, and the base path of each stage on it."""

from ops.tuning.handling import Handler, Properties, Target, only, unless

_MISSING = "NotFoundException"


def _make_domain(target: Target, _: str, properties: Properties) -> None:
    only("EndpointConfiguration", properties["EndpointConfiguration"], "Types")
    gateway, name = target.client("apigateway"), properties["DomainName"]
    if unless(_MISSING, gateway.get_domain_name, domainName=name) is None:
        gateway.create_domain_name(
            domainName=name,
            regionalCertificateArn=properties["RegionalCertificateArn"],
            endpointConfiguration={"types": properties["EndpointConfiguration"]["Types"]},
            securityPolicy=properties["SecurityPolicy"],
        )
        return
    gateway.update_domain_name(
        domainName=name,
        patchOperations=[
            {
                "op": "replace",
                "path": "/regionalCertificateArn",
                "value": properties["RegionalCertificateArn"],
            },
            {"op": "replace", "path": "/securityPolicy", "value": properties["SecurityPolicy"]},
        ],
    )


def _delete_domain(target: Target, _: str, properties: Properties) -> None:
    gateway = target.client("apigateway")
    unless(_MISSING, gateway.delete_domain_name, domainName=properties["DomainName"])


def _map(target: Target, _: str, properties: Properties) -> None:
    gateway = target.client("apigateway")
    place = {"domainName": properties["DomainName"], "basePath": properties["BasePath"]}
    wanted = {"restApiId": properties["RestApiId"], "stage": properties["Stage"]}
    live = unless(_MISSING, gateway.get_base_path_mapping, **place)
    if live is not None and live["restApiId"] != wanted["restApiId"]:
        # Another API, deployed anew, answers below this path from now on.
        gateway.delete_base_path_mapping(**place)
        live = None
    if live is None:
        gateway.create_base_path_mapping(**place, **wanted)


def _unmap(target: Target, _: str, properties: Properties) -> None:
    unless(
        _MISSING,
        target.client("apigateway").delete_base_path_mapping,
        domainName=properties["DomainName"],
        basePath=properties["BasePath"],
    )


DOMAIN = Handler(
    frozenset({"DomainName", "RegionalCertificateArn", "EndpointConfiguration", "SecurityPolicy"}),
    _make_domain,
    _delete_domain,
)
MAPPING = Handler(frozenset({"DomainName", "BasePath", "RestApiId", "Stage"}), _map, _unmap)
